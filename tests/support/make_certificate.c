/* make_certificate CERT KEY SERIAL BEGINS EXPIRES: writes a certificate for localhost and its key;
 * the moments in seconds from now. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/certificate.h"

static int write_pem(const char *path, const gnutls_datum_t *pem)
{
    FILE *file = fopen(path, "we");

    if (file == NULL || fwrite(pem->data, 1, pem->size, file) != pem->size) {
        perror(path);
        return -1;
    }
    return fclose(file);
}

int main(int argc, char **argv)
{
    gnutls_datum_t cert = {0};
    gnutls_datum_t key = {0};
    time_t now = time(NULL);

    if (argc != 6) {
        return 2;
    }
    int result = certificate_make((unsigned char)atoi(argv[3]), now + atol(argv[4]),
                                  now + atol(argv[5]), &cert, &key);
    if (result < 0) {
        (void)fprintf(stderr, "%s\n", gnutls_strerror(result));
        return 1;
    }
    result = write_pem(argv[1], &cert) == 0 && write_pem(argv[2], &key) == 0 ? 0 : 1;
    gnutls_free(cert.data);
    gnutls_free(key.data);
    return result;
}
