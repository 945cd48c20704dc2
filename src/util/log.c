#include "util/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/time.h"
#include "util/utf8.h"
#include "util/visible.h"

#define SECRET_MIN 4
#define MESSAGE_MAX ((size_t)1 << 20)
#define MESSAGE_COLUMN 16 /* after "cauce: warning: " */
#define FIELDS_COLUMN 39
#define LINE_MAX_BYTES ((size_t)16 << 20)

static const char *const level_names[] = {"error", "warning", "info", "debug"};

/* Priorities of syslog, as the journal reads them (sd-daemon(3)). */
static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"};

struct secret {
    char *text;
    size_t length;
};

static atomic_int max_level = LOG_WARN;

/* Everything below belongs to whoever holds the mutex. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static enum log_format line_format = LOG_TEXT;
static enum { JOURNAL_UNKNOWN, JOURNAL_NO, JOURNAL_YES } journal;
static struct log_field contexts[LOG_CONTEXT_MAX]; /* their texts are ours */
static size_t context_count;
static struct secret *secrets;
static size_t secret_count;
static size_t secret_capacity;
static void (*line_sink)(void *ctx, const char *line);
static void *sink_ctx;

void log_setup(enum log_level level, enum log_format format)
{
    pthread_mutex_lock(&mutex);
    line_format = format;
    journal = JOURNAL_UNKNOWN;
    pthread_mutex_unlock(&mutex);
    atomic_store(&max_level, (int)level);
}

bool log_enabled(enum log_level level)
{
    return (int)level <= atomic_load(&max_level);
}

void log_sink(void (*sink)(void *ctx, const char *line), void *ctx)
{
    pthread_mutex_lock(&mutex);
    line_sink = sink;
    sink_ctx = ctx;
    pthread_mutex_unlock(&mutex);
}

static void free_context(const struct log_field *context)
{
    free((void *)(uintptr_t)context->name);
    free((void *)(uintptr_t)context->text);
}

static void forget_context(size_t i)
{
    free_context(&contexts[i]);
    context_count--;
    memmove(&contexts[i], &contexts[i + 1], (context_count - i) * sizeof contexts[0]);
}

/* `value` is copied; NULL removes the context of this name. */
static void set_context(const char *name, const struct log_field *value)
{
    size_t i = 0;
    while (i < context_count && strcmp(contexts[i].name, name) != 0)
        i++;
    if (value == NULL) {
        if (i < context_count)
            forget_context(i);
        return;
    }
    if (i == LOG_CONTEXT_MAX)
        return;
    struct log_field copy = *value;
    copy.name = mem_strdup(name);
    copy.text = value->text != NULL ? mem_strdup(value->text) : NULL;
    if (i < context_count)
        free_context(&contexts[i]);
    else
        context_count++;
    contexts[i] = copy;
}

void log_context(const char *name, const char *value)
{
    struct log_field field = LOG_STR(name, value);
    pthread_mutex_lock(&mutex);
    set_context(name, value != NULL ? &field : NULL);
    pthread_mutex_unlock(&mutex);
}

void log_context_integer(const char *name, int64_t value)
{
    struct log_field field = LOG_INT(name, value);
    pthread_mutex_lock(&mutex);
    set_context(name, &field);
    pthread_mutex_unlock(&mutex);
}

static void add_secret(const char *text, size_t length)
{
    if (length < SECRET_MIN)
        return;
    for (size_t i = 0; i < secret_count; i++) {
        if (secrets[i].length == length && memcmp(secrets[i].text, text, length) == 0)
            return;
    }
    secrets = mem_grow(secrets, secret_count, &secret_capacity, sizeof *secrets);
    secrets[secret_count++] = (struct secret){.text = mem_strndup(text, length), .length = length};
}

void log_secret(const char *value)
{
    if (value == NULL || strlen(value) < SECRET_MIN)
        return;
    struct json *spelled = json_new_string(value);
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    json_write(spelled, false, &text);
    pthread_mutex_lock(&mutex);
    add_secret(value, strlen(value));
    add_secret(text.data + 1, text.len - 2); /* between the quotes */
    pthread_mutex_unlock(&mutex);
    str_release(&text);
    json_free(spelled);
}

/* End of the furthest secret that begins at `at`, or `at`. */
static const char *secret_end(const char *at, const char *end)
{
    const char *furthest = at;
    for (size_t i = 0; i < secret_count; i++) {
        const struct secret *s = &secrets[i];
        if (s->length <= (size_t)(end - at) && at + s->length > furthest &&
            memcmp(at, s->text, s->length) == 0)
            furthest = at + s->length;
    }
    return furthest;
}

/*
 * Append a value with its secrets replaced, cut at LOG_VALUE_MAX. Secrets that overlap are replaced
 * together, so that no rest of either remains; cutting comes last, so that no part of one is left.
 */
static void append_redacted(struct str *out, const char *text)
{
    const char *end = text + strlen(text);
    const char *covered = text;
    size_t start = out->len;
    for (const char *at = text; at < end && out->len - start <= LOG_VALUE_MAX; at++) {
        const char *until = secret_end(at, end);
        if (until > at && at >= covered)
            str_append(out, "***");
        if (until > covered)
            covered = until;
        if (at >= covered)
            str_append_char(out, *at);
    }
    if (out->len - start > LOG_VALUE_MAX) {
        out->len = start + utf8_cut(out->data + start, out->len - start, LOG_VALUE_MAX);
        str_append(out, "...");
    }
}

static char *redacted(const char *text)
{
    struct str out;
    str_init(&out, SIZE_MAX / 2);
    append_redacted(&out, text);
    return str_detach(&out);
}

/* The value of a field as text, secrets replaced; the caller frees it. */
static char *field_text(const struct log_field *field)
{
    char number[40];
    switch (field->kind) {
    case LOG_FIELD_INTEGER:
        snprintf(number, sizeof number, "%lld", (long long)field->integer);
        return redacted(number);
    case LOG_FIELD_REAL:
        snprintf(number, sizeof number, "%.6g", field->real);
        return redacted(number);
    case LOG_FIELD_END:
    case LOG_FIELD_TEXT:
        break;
    }
    return redacted(field->text != NULL ? field->text : "");
}

/* One line stays one line, and no text of a source moves the cursor of a terminal. */
static void append_visible(struct str *out, const char *text, bool quoted)
{
    visible_append(out, text, strlen(text), quoted ? VISIBLE_QUOTED : VISIBLE_LINE);
}

static void append_field(struct str *out, const struct log_field *field)
{
    char *name = redacted(field->name);
    char *text = field_text(field);
    bool quoted = text[0] == '\0' || strpbrk(text, " \t\r\n\"\\=") != NULL;
    str_append_char(out, ' ');
    append_visible(out, name, false);
    str_append(out, quoted ? "=\"" : "=");
    append_visible(out, text, quoted);
    if (quoted)
        str_append_char(out, '"');
    free(text);
    free(name);
}

/* Fill up to a column of this line, which began at `start`. A character counts as one wide. */
static void pad(struct str *out, size_t start, size_t column)
{
    size_t width = utf8_count(out->data + start, out->len - start);
    for (; width < column; width++)
        str_append_char(out, ' ');
}

static void make_text(enum log_level level, const struct log_field *fields, const char *message,
                      struct str *out)
{
    size_t start = out->len;
    bool in_columns = level >= LOG_INFO; /* lines of these levels come many at a time */
    str_append(out, "cauce: ");
    str_append(out, level_names[level]);
    str_append(out, ": ");
    if (in_columns)
        pad(out, start, MESSAGE_COLUMN);
    append_visible(out, message, false);
    if (in_columns && fields != NULL && fields->kind != LOG_FIELD_END)
        pad(out, start, FIELDS_COLUMN);
    for (; fields != NULL && fields->kind != LOG_FIELD_END; fields++)
        append_field(out, fields);
}

static bool is_reserved(const char *name)
{
    return strcmp(name, "time") == 0 || strcmp(name, "level") == 0 || strcmp(name, "message") == 0;
}

static void set_redacted(struct json *line, const char *name, struct json *value)
{
    char *shown = redacted(name);
    if (is_reserved(shown))
        json_free(value);
    else
        json_set(line, shown, value);
    free(shown);
}

static void set_field(struct json *line, const struct log_field *field)
{
    char *text = field_text(field);
    struct json *value;
    if (field->kind == LOG_FIELD_TEXT && field->text == NULL)
        value = json_new_null();
    else if (field->kind == LOG_FIELD_TEXT || strstr(text, "***") != NULL)
        value = json_new_string(text);
    else if (field->kind == LOG_FIELD_INTEGER)
        value = json_new_integer(field->integer);
    else
        value = json_new_real(field->real);
    set_redacted(line, field->name, value);
    free(text);
}

static void make_json(enum log_level level, const struct log_field *fields, const char *message,
                      struct str *out)
{
    char now[TIME_TEXT_SIZE];
    struct json *line = json_new_object();
    time_label(time_now(), now);
    json_set_string(line, "time", now);
    json_set_string(line, "level", level_names[level]);
    json_set_string(line, "message", message);
    for (size_t i = 0; i < context_count; i++)
        set_field(line, &contexts[i]);
    for (; fields != NULL && fields->kind != LOG_FIELD_END; fields++)
        set_field(line, fields);
    json_write_visible(line, false, out);
    json_free(line);
}

/* Is stderr the stream that JOURNAL_STREAM names by device and inode (systemd.exec(5))? */
static bool is_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat st;
    if (stream == NULL || fstat(STDERR_FILENO, &st) != 0)
        return false;
    char mine[64];
    snprintf(mine, sizeof mine, "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
    return strcmp(stream, mine) == 0;
}

/* Make the line in `out`; false where it goes to the sink that is set. */
static bool make_line(enum log_level level, const struct log_field *fields, const char *message,
                      struct str *out)
{
    char *shown = redacted(message);
    bool to_stderr = line_sink == NULL;
    if (journal == JOURNAL_UNKNOWN)
        journal = is_journal() ? JOURNAL_YES : JOURNAL_NO;
    if (line_format == LOG_TEXT && to_stderr && journal == JOURNAL_YES)
        str_append(out, priorities[level]);
    if (line_format == LOG_TEXT)
        make_text(level, fields, shown, out);
    else
        make_json(level, fields, shown, out);
    free(shown);
    return to_stderr;
}

void log_write(enum log_level level, const struct log_field *fields, const char *format, ...)
{
    if (!log_enabled(level))
        return;
    struct str message;
    struct str line;
    str_init(&message, MESSAGE_MAX);
    str_init(&line, LINE_MAX_BYTES);
    va_list args;
    va_start(args, format);
    str_vprintf(&message, format, args);
    va_end(args);
    if (message.full) {
        str_clear(&message);
        str_append(&message, "(a message of more than 1 MiB, left out)");
    }
    pthread_mutex_lock(&mutex);
    bool to_stderr = make_line(level, fields, message.data, &line);
    /* Once log_sink() has returned, nothing reaches the sink before it any more. */
    if (!to_stderr)
        line_sink(sink_ctx, line.data);
    pthread_mutex_unlock(&mutex);
    if (to_stderr) {
        str_append_char(&line, '\n');
        /* There is nowhere left to report it. */
        error_ignore(fs_write_all(STDERR_FILENO, line.data, line.len, "stderr", NULL));
    }
    str_release(&line);
    str_release(&message);
}
