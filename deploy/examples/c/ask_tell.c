/* A study and a worker for it in C, with libcurl and jansson: Branin's function.
 *
 *     cc -o ask_tell deploy/examples/c/ask_tell.c -lcurl -ljansson -lm
 *     HONE_URL=http://127.0.0.1:4663 ./ask_tell
 *
 * HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open. */
#include <curl/curl.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static CURL *curl;

/* Sends a request, whose body it takes over; a refusal ends the program with the server's sentence.
 */
static json_t *call(const char *method, const char *path, json_t *body)
{
    char url[512], *answer = NULL, *sent = body == NULL ? NULL : json_dumps(body, 0);
    size_t size = 0;
    long status = 0;
    FILE *received = open_memstream(&answer, &size);

    snprintf(url, sizeof url, "%s/v1%s", getenv("HONE_URL"), path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, sent);
    curl_easy_setopt(curl, CURLOPT_HTTPGET, (long)(sent == NULL));
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, received);
    CURLcode failed = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    fclose(received);
    json_t *reply = json_loads(answer, JSON_DECODE_ANY, NULL);
    if (failed || status >= 400 || reply == NULL) {
        const char *detail = json_string_value(json_object_get(reply, "detail"));
        fprintf(stderr, "branin-c: %s\n",
                detail   ? detail
                : failed ? curl_easy_strerror(failed)
                         : answer);
        exit(1);
    }
    free(answer);
    free(sent);
    json_decref(body);
    return reply;
}

static double branin(double x, double y)
{
    return pow(y - 5.1 / (4 * M_PI * M_PI) * x * x + 5 / M_PI * x - 6, 2)
           + 10 * (1 - 1 / (8 * M_PI)) * cos(x) + 10;
}

static void train(const char *lease, json_t *parameters)
{
    double x = 0, y = 0, loss = 0;
    char path[256], action[16] = "continue";

    json_unpack(parameters, "{s:F, s:F}", "x", &x, "y", &y);
    for (int step = 1; step <= 5 && strcmp(action, "continue") == 0;
         step++) { /* in your program: an epoch */
        loss = branin(x, y) * (1 + 1.0 / step);
        snprintf(path, sizeof path, "/leases/%s/measurements", lease);
        json_t *reply = call("POST", path,
                             json_pack("{s:[{s:i, s:{s:f}}]}", "measurements", "step", step,
                                       "metrics", "loss", loss));
        snprintf(action, sizeof action, "%s", json_string_value(json_object_get(reply, "action")));
        json_decref(reply);
    }
    if (strcmp(action, "abort") == 0) {
        return; /* cancelled: nothing more is wanted */
    }
    snprintf(path, sizeof path, "/leases/%s/result", lease);
    json_decref(call("PUT", path,
                     json_pack("{s:s, s:{s:f}}", "outcome", "completed", "metrics", "loss", loss)));
}

static void authorize(struct curl_slist **headers)
{
    char token[256] = "", header[300];
    FILE *file = getenv("HONE_TOKEN_FILE") ? fopen(getenv("HONE_TOKEN_FILE"), "r") : NULL;

    *headers = curl_slist_append(NULL, "Content-Type: application/json");
    if (file != NULL && fscanf(file, "%255s", token) == 1) {
        snprintf(header, sizeof header, "Authorization: Bearer %s", token);
        *headers = curl_slist_append(*headers, header);
    }
    if (file != NULL) {
        fclose(file);
    }
}

int main(void)
{
    struct curl_slist *headers = NULL;
    json_t *trial = NULL;

    curl = curl_easy_init();
    if (curl == NULL || getenv("HONE_URL") == NULL) {
        fprintf(stderr, "branin-c: set HONE_URL to the server: http://127.0.0.1:4663\n");
        return 1;
    }
    authorize(&headers);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    json_decref(
        call("POST", "/studies", /* again with the same definition: goes on where it was */
             json_pack("{s:s, s:s, s:s, s:{s:i}, s:i, s:{s:s, s:i, s:i}, s:[{s:s, s:s, s:i, s:i}, "
                       "{s:s, s:s, s:i, s:i}]}",
                       "name", "branin-c", "metric", "loss", "direction", "minimize", "limits",
                       "trials", 20, "seed", 1, "stopping", "rule", "threshold", "step", 2, "value",
                       60, "parameters", "name", "x", "type", "float", "low", -5, "high", 10,
                       "name", "y", "type", "float", "low", 0, "high", 15)));
    for (int going_on = 1; going_on;) {
        json_t *ask =
            call("POST", "/studies/branin-c/leases", json_pack("{s:i}", "wait_seconds", 30));
        const char *lease = NULL, *reason = "";
        json_unpack(ask, "{s?{s:s}, s?{s:o}, s?s}", "lease", "id", &lease, "trial", "parameters",
                    &trial, "reason", &reason);
        if (lease != NULL) {
            train(lease, trial);
        } else if (strstr("finished stopped drained", reason) != NULL) {
            going_on = 0;
        } else {
            sleep((unsigned)json_number_value(json_object_get(ask, "retry_after_seconds")));
        }
        json_decref(ask);
    }
    json_t *best = call("GET", "/studies/branin-c/best", NULL);
    trial = json_object_get(best, "trial");
    char *parameters = json_dumps(json_object_get(trial, "parameters"), JSON_ENCODE_ANY);
    printf("best of branin-c: %g with %s\n", json_number_value(json_object_get(trial, "value")),
           parameters);
    free(parameters);
    json_decref(best);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return 0;
}
