#include "support/s3_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/aws/sign.h"
#include "net/transfer.h"
#include "store/s3/s3.h"
#include "support/temp_folder.h"
#include "util/mem.h"
#include "util/time.h"

#define EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

void s3_test_set(struct s3_test_settings *settings, const char *name, const char *value)
{
    size_t i = 0;
    while (i < S3_SETTINGS_MAX && settings->names[i] != NULL &&
           strcmp(settings->names[i], name) != 0)
        i++;
    if (i == S3_SETTINGS_MAX)
        abort();
    if (settings->names[i] == NULL)
        settings->names[i] = mem_strdup(name);
    free(settings->values[i]);
    settings->values[i] = mem_strdup(value);
}

void s3_test_settings_release(struct s3_test_settings *settings)
{
    for (size_t i = 0; i < S3_SETTINGS_MAX; i++) {
        free(settings->names[i]);
        free(settings->values[i]);
    }
    *settings = (struct s3_test_settings){0};
}

const char *s3_test_get(void *ctx, const char *name)
{
    const struct s3_test_settings *settings = ctx;
    for (size_t i = 0; i < S3_SETTINGS_MAX && settings->names[i] != NULL; i++) {
        if (strcmp(settings->names[i], name) == 0)
            return settings->values[i];
    }
    return NULL;
}

static const char *source_folder(void)
{
    const char *folder = getenv("CAUCE_SOURCE_DIR");
    return folder != NULL ? folder : ".";
}

/* Run the starter and take the NAME=VALUE lines that it prints; its exit status. */
static int run_starter(struct s3_server *server, const char *what)
{
    char line[512];
    /* The server ends with this process, also where that is killed. */
    char *command =
        mem_printf("CAUCE_TEST_OWNER=%ld '%s/tests/support/%s' %s %s '%s/server'", (long)getpid(),
                   source_folder(), server->name != NULL ? "s3-other" : "ceph-rgw", what,
                   server->name != NULL ? server->name : "", server->folder);
    FILE *f = popen(command, "re");
    free(command);
    if (f == NULL)
        return 77;
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *equals = strchr(line, '=');
        if (equals == NULL)
            continue;
        *equals = '\0';
        s3_test_set(&server->settings, line, equals + 1);
    }
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool start(struct s3_server *server, const char *name)
{
    *server = (struct s3_server){.folder = temp_folder_new(), .name = name};
    const char *endpoint = name == NULL ? getenv("CAUCE_TEST_S3_ENDPOINT") : NULL;
    s3_test_set(&server->settings, "XDG_CACHE_HOME", server->folder);
    s3_test_set(&server->settings, "TMPDIR", server->folder);
    s3_test_set(&server->settings, "AWS_EC2_METADATA_DISABLED", "true");
    if (endpoint != NULL && strcmp(endpoint, "none") == 0) {
        printf("skipped: there is no S3 server (CAUCE_TEST_S3_ENDPOINT is \"none\")\n");
        s3_server_stop(server);
        return false;
    }
    if (endpoint != NULL) {
        s3_test_set(&server->settings, "AWS_ENDPOINT_URL", endpoint);
        s3_test_set(&server->settings, "AWS_ACCESS_KEY_ID", getenv("CAUCE_TEST_S3_ACCESS_KEY"));
        s3_test_set(&server->settings, "AWS_SECRET_ACCESS_KEY", getenv("CAUCE_TEST_S3_SECRET_KEY"));
        s3_test_set(&server->settings, "AWS_REGION", "us-east-1");
        return true;
    }
    server->own = true;
    if (run_starter(server, "start") == 0)
        return true;
    printf("skipped: no S3 server (%s) can be brought up here\n",
           name != NULL ? name : "Ceph's gateway");
    s3_server_stop(server);
    return false;
}

bool s3_server_start(struct s3_server *server)
{
    return start(server, NULL);
}

bool s3_server_start_other(struct s3_server *server, const char *name)
{
    return start(server, name);
}

void s3_server_stop(struct s3_server *server)
{
    if (server->own)
        run_starter(server, "stop");
    s3_test_settings_release(&server->settings);
    temp_folder_free(server->folder);
}

void s3_server_make_bucket(struct s3_server *server, const char *bucket)
{
    struct s3_test_settings *settings = &server->settings;
    const char *endpoint = s3_test_get(settings, "AWS_ENDPOINT_URL");
    char date[AWS_SIGN_DATE_SIZE];
    struct str authorization;
    struct error err = ERROR_INIT;
    str_init(&authorization, 4096);
    int rc = aws_sign_date(time_now(), date, &err);
    char *path = mem_printf("/%s", bucket);
    char *url = mem_printf("%s%s", endpoint, path);
    struct http_pair headers[4] = {{"host", strstr(endpoint, "://") + 3},
                                   {"x-amz-content-sha256", EMPTY_SHA256},
                                   {"x-amz-date", date}};
    const struct aws_sign_request request = {.method = "PUT",
                                             .path = path,
                                             .query = "",
                                             .headers = headers,
                                             .header_count = 3,
                                             .payload_sha256 = EMPTY_SHA256,
                                             .date = date,
                                             .region = "us-east-1",
                                             .service = "s3"};
    const struct aws_sign_key key = {s3_test_get(settings, "AWS_ACCESS_KEY_ID"),
                                     s3_test_get(settings, "AWS_SECRET_ACCESS_KEY"), NULL};
    if (rc == ERR_OK)
        rc = aws_sign_authorization(&request, &key, &authorization, &err);
    headers[3] = (struct http_pair){"authorization", authorization.data};
    struct http *http = NULL;
    struct transfer_answer *answer = mem_calloc(1, sizeof *answer);
    transfer_answer_init(answer);
    if (rc == ERR_OK)
        rc = http_new(NULL, &http, &err);
    const struct transfer_request put = {
        .method = "PUT", .url = url, .headers = headers, .header_count = 4};
    if (rc == ERR_OK)
        rc = transfer_perform(http, &put, answer, &err);
    /* 409: it is there from an earlier test. */
    if (rc != ERR_OK || (answer->head.status != 200 && answer->head.status != 409)) {
        fprintf(stderr, "bucket %s: %ld %s %s\n", bucket, answer->head.status, err.text,
                answer->error_body.data);
        abort();
    }
    transfer_answer_release(answer);
    free(answer);
    http_free(http);
    str_release(&authorization);
    free(url);
    free(path);
}

struct store *s3_server_open(struct s3_server *server, const char *url, bool bare)
{
    struct error err = ERROR_INIT;
    struct store *st = NULL;
    const struct store_options options = {.setting = s3_test_get, .setting_ctx = &server->settings};
    int rc =
        bare ? store_s3_open_bare(url, &options, &st, &err) : store_open(url, &options, &st, &err);
    if (rc != ERR_OK) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return st;
}
