#include "worker/cli/top/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

#include "worker/cli/top/draw.h"
#include "worker/cli/top/keys.h"

static const int leaving_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { ESCAPE = 27, DELETE = 127, ESCAPE_MS = 25, GREEN = 1, RED = 2 };

static volatile sig_atomic_t asked_to_leave;
static volatile sig_atomic_t asked_to_stop;
static SCREEN *screen;

static void note_signal(int number)
{
    asked_to_leave = number;
}

static void note_stop(int number)
{
    asked_to_stop = number;
}

/* A signal that is ignored, as by nohup, stays so. With SA_RESTART a picture is written whole. */
static void catch_signal(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    struct sigaction old;

    (void)sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
        (void)sigaction(number, &action, NULL);
    }
}

/* SIGTSTP is caught before newterm(): otherwise ncurses has a handler of its own, and ignores the
 * signal whenever it writes to the terminal, so that a stop may be lost. */
static void catch_signals(void)
{
    for (size_t i = 0; i < sizeof leaving_signals / sizeof leaving_signals[0]; i++) {
        catch_signal(leaving_signals[i], note_signal, 0);
    }
    catch_signal(SIGTSTP, note_stop, SA_RESTART);
}

/* Bars and arrows need UTF-8, which a batch job's locale rarely has. */
static void use_utf8(void)
{
    if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0) {
        (void)setlocale(LC_CTYPE, "C.UTF-8");
    }
}

static void choose_colors(bool color)
{
    if (color && has_colors() && start_color() == OK && use_default_colors() == OK) {
        (void)init_pair(GREEN, COLOR_GREEN, -1);
        (void)init_pair(RED, COLOR_RED, -1);
    }
}

/* Asked beforehand, because newterm() keeps memory where it fails. */
static bool can_move_cursor(void)
{
    int found;

    if (setupterm(NULL, STDOUT_FILENO, &found) != OK) {
        return false;
    }
    const char *move_cursor = tigetstr("cup");
    bool can = move_cursor != NULL && move_cursor != (const char *)-1;
    (void)del_curterm(cur_term);
    return can;
}

int terminal_open(bool color, struct err *err)
{
    const char *term = getenv("TERM");

    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        return err_set(err, ERR_INVALID, "this is no terminal; --once prints one picture");
    }
    use_utf8();
    catch_signals();
    screen = can_move_cursor() ? newterm(NULL, stdout, stdin) : NULL;
    if (screen == NULL) {
        return err_set(err, ERR_INVALID,
                       "the terminal '%.60s' (TERM) cannot move its cursor; 'hone study watch' "
                       "needs no such terminal",
                       term == NULL ? "" : term);
    }
    choose_colors(color);
    (void)set_escdelay(ESCAPE_MS);
    (void)cbreak();
    (void)noecho();
    (void)keypad(stdscr, TRUE);
    (void)nodelay(stdscr, TRUE);
    (void)curs_set(0);
    return 0;
}

void terminal_close(void)
{
    if (screen != NULL) {
        (void)endwin();
        delscreen(screen);
        screen = NULL;
    }
}

static void follow_size(void)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0
        && is_term_resized(size.ws_row, size.ws_col)) {
        (void)resizeterm(size.ws_row, size.ws_col);
    }
}

/* Gives the terminal back and stops, as by default. Once continued, takes it again: its modes and
 * its size may be others by then. */
static void stop_until_continued(void)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    struct sigaction ours;

    (void)endwin();
    (void)sigemptyset(&by_default.sa_mask);
    (void)sigaction(SIGTSTP, &by_default, &ours);
    (void)raise(SIGTSTP);
    (void)sigaction(SIGTSTP, &ours, NULL);
    (void)def_shell_mode();
    follow_size();
    (void)refresh();
}

static int translated(int key)
{
    switch (key) {
    case ERR:
        return TERMINAL_NONE;
    case KEY_RESIZE:
        return TERMINAL_RESIZED;
    case KEY_UP:
        return TOP_KEY_UP;
    case KEY_DOWN:
        return TOP_KEY_DOWN;
    case KEY_PPAGE:
        return TOP_KEY_PAGE_UP;
    case KEY_NPAGE:
        return TOP_KEY_PAGE_DOWN;
    case KEY_HOME:
        return TOP_KEY_HOME;
    case KEY_END:
        return TOP_KEY_END;
    case KEY_ENTER:
    case KEY_RIGHT:
    case '\n':
    case '\r':
        return TOP_KEY_ENTER;
    case KEY_LEFT:
    case KEY_BACKSPACE:
    case DELETE:
    case '\b':
    case ESCAPE:
        return TOP_KEY_BACK;
    default:
        return key > 0 && key < DELETE ? key : 0; /* 0 means nothing to anybody */
    }
}

int terminal_key(void)
{
    if (asked_to_stop != 0) {
        asked_to_stop = 0;
        stop_until_continued();
    }
    return translated(getch());
}

void terminal_size(size_t *width, size_t *height)
{
    int high, wide;

    getmaxyx(stdscr, high, wide);
    *width = wide > 0 ? (size_t)wide : 1;
    *height = high > 0 ? (size_t)high : 1;
}

static attr_t look_of(enum top_style style)
{
    switch (style) {
    case TOP_HEAD:
    case TOP_GOOD:
    case TOP_BAD:
        return A_BOLD;
    case TOP_TITLE:
        return A_UNDERLINE;
    case TOP_CHOSEN:
    case TOP_KEYS:
        return A_REVERSE;
    case TOP_PLAIN:
    default:
        return A_NORMAL;
    }
}

static short color_of(enum top_style style)
{
    return style == TOP_GOOD ? GREEN : style == TOP_BAD ? RED : 0;
}

static void show_line(int row, enum top_style style, const char *text, size_t len)
{
    (void)move(row, 0);
    (void)attr_set(look_of(style), color_of(style), NULL);
    (void)addnstr(text, (int)len);
    if (style == TOP_CHOSEN || style == TOP_KEYS) { /* to the end of the line */
        for (int column = getcurx(stdscr); column > 0 && column < COLS; column++) {
            (void)addch(' ');
        }
    }
    (void)attr_set(A_NORMAL, 0, NULL);
}

void terminal_show(const char *picture)
{
    (void)erase();
    for (int row = 0; *picture != '\0' && row < LINES; row++) {
        size_t len = strcspn(picture, "\n");
        show_line(row, (enum top_style)picture[0], picture + 1, len - 1);
        picture += len + (picture[len] == '\n');
    }
    (void)refresh();
}

int terminal_signal(void)
{
    return asked_to_leave;
}
