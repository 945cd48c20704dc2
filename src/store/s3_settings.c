#include "store/s3_settings.h"

#include <stdlib.h>
#include <string.h>

#include "store/s3_providers.h"
#include "store/s3_sign.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define MIB (UINT64_C(1) << 20)
#define BUCKET_MAX 255
#define AUTHORITY_MAX 512

char *s3_lookup_copy(const struct s3_lookup *lookup, const char *name)
{
    const char *value = lookup->get != NULL ? lookup->get(lookup->ctx, name) : NULL;
    return value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;
}

bool s3_lookup_flag(const struct s3_lookup *lookup, const char *name)
{
    char *value = s3_lookup_copy(lookup, name);
    bool set = value != NULL && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 ||
                                 strcasecmp(value, "yes") == 0);
    free(value);
    return set;
}

int s3_lookup_number(const struct s3_lookup *lookup, const char *name, uint64_t least,
                     uint64_t most, uint64_t fallback, uint64_t *out, struct error *err)
{
    char *value = s3_lookup_copy(lookup, name);
    *out = fallback;
    if (value == NULL)
        return ERR_OK;
    uint64_t number = 0;
    bool good = true;
    for (const char *p = value; *p != '\0' && good; p++) {
        good = *p >= '0' && *p <= '9' && number <= most;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    int rc = ERR_OK;
    if (good && number >= least && number <= most)
        *out = number;
    else
        rc = error_set(err, ERR_CONFIG,
                       "The setting %s is \"%s\"; it must be a whole number from %llu to %llu.",
                       name, value, (unsigned long long)least, (unsigned long long)most);
    free(value);
    return rc;
}

static bool bucket_valid(const char *bucket)
{
    size_t n = strlen(bucket);
    return n >= 3 && n <= BUCKET_MAX &&
           strspn(bucket, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == n;
}

static int split_url(const char *url, struct s3_settings *out, struct error *err)
{
    const char *rest = str_starts(url, "s3://") ? url + 5 : "";
    size_t n = strcspn(rest, "/");
    out->bucket = mem_strndup(rest, n);
    if (!bucket_valid(out->bucket))
        return error_set(err, ERR_CONFIG, "%s is not the URL of a bucket: s3://bucket/prefix.",
                         url);
    rest += n;
    while (*rest == '/')
        rest++;
    n = strlen(rest);
    while (n > 0 && rest[n - 1] == '/')
        n--;
    out->prefix = mem_strndup(rest, n);
    if (strpbrk(out->prefix, "?#") != NULL || strstr(out->prefix, "//") != NULL)
        return error_set(err, ERR_CONFIG,
                         "The prefix of %s must not hold \"?\", \"#\" or empty "
                         "segments.",
                         url);
    return ERR_OK;
}

int s3_settings_endpoint(const char *endpoint, char **scheme, char **authority, char **path,
                         struct error *err)
{
    const char *mark = strstr(endpoint, "://");
    size_t n = mark != NULL ? (size_t)(mark - endpoint) : 0;
    bool secure = n == 5 && strncmp(endpoint, "https", 5) == 0;
    if (!secure && !(n == 4 && strncmp(endpoint, "http", 4) == 0))
        return error_set(err, ERR_CONFIG, "The endpoint %s must begin with https:// or http://.",
                         endpoint);
    const char *host = mark + 3;
    size_t length = strcspn(host, "/");
    if (length == 0 || length > AUTHORITY_MAX || memchr(host, '@', length) != NULL ||
        strpbrk(host, "?# \t\r\n\"<>\\") != NULL)
        return error_set(err, ERR_CONFIG,
                         "The endpoint's address must be of the form "
                         "https://host:port, without a user, query or blanks.");
    const char *own_port = secure ? ":443" : ":80";
    size_t kept = length;
    size_t port = strlen(own_port);
    if (kept > port && memcmp(host + kept - port, own_port, port) == 0)
        kept -= port;
    *scheme = mem_strdup(secure ? "https" : "http");
    *authority = mem_strndup(host, kept);
    const char *rest = host + length;
    size_t end = strlen(rest);
    while (end > 0 && rest[end - 1] == '/')
        end--;
    *path = mem_strndup(rest, end);
    return ERR_OK;
}

/* The endpoint of AWS for a region. */
static char *aws_endpoint(const char *region)
{
    const char *suffix = str_starts(region, "cn-") ? ".cn" : "";
    return mem_printf("https://s3.%s.amazonaws.com%s", region, suffix);
}

/* Is the host an address by number? Such a host cannot have a bucket in front of it. */
static bool is_address(const char *authority)
{
    size_t n = strcspn(authority, ":");
    return authority[0] == '[' || strspn(authority, "0123456789.") >= n;
}

static int choose_addressing(const struct s3_lookup *lookup, bool custom, struct s3_settings *out,
                             struct error *err)
{
    char *style = s3_lookup_copy(lookup, "CAUCE_S3_ADDRESSING");
    int rc = ERR_OK;
    /* A dot in the bucket's name would fall outside the certificate of *.s3.amazonaws.com. */
    bool by_host = !custom && strchr(out->bucket, '.') == NULL;
    if (style != NULL && strcmp(style, "path") == 0)
        by_host = false;
    else if (style != NULL && strcmp(style, "virtual") == 0)
        by_host = true;
    else if (style != NULL && strcmp(style, "auto") != 0)
        rc = error_set(err, ERR_CONFIG,
                       "CAUCE_S3_ADDRESSING is \"%s\"; it must be auto, path or virtual.", style);
    if (rc == ERR_OK && by_host && is_address(out->authority))
        rc = error_set(err, ERR_CONFIG,
                       "The endpoint %s is an address by number, which cannot have "
                       "the bucket in front of it: use CAUCE_S3_ADDRESSING=path.",
                       out->authority);
    free(style);
    char **slot = by_host ? &out->authority : &out->base_path;
    char *joined = by_host ? mem_printf("%s.%s", out->bucket, out->authority)
                           : mem_printf("%s/%s", out->base_path, out->bucket);
    free(*slot);
    *slot = joined;
    return rc;
}

static int load_place(const struct s3_lookup *lookup, struct s3_settings *out, struct error *err)
{
    out->region = s3_lookup_copy(lookup, "AWS_REGION");
    if (out->region == NULL)
        out->region = s3_lookup_copy(lookup, "AWS_DEFAULT_REGION");
    if (out->region == NULL)
        out->region = s3_profile_setting(lookup, "region");
    char *endpoint = s3_lookup_copy(lookup, "AWS_ENDPOINT_URL_S3");
    if (endpoint == NULL)
        endpoint = s3_lookup_copy(lookup, "AWS_ENDPOINT_URL");
    if (endpoint == NULL)
        endpoint = s3_profile_setting(lookup, "endpoint_url");
    bool custom = endpoint != NULL;
    if (out->region == NULL)
        out->region = mem_strdup("us-east-1");
    int rc = ERR_OK;
    if (strspn(out->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(out->region))
        rc = error_set(err, ERR_CONFIG, "\"%s\" is not the name of a region.", out->region);
    if (!custom)
        endpoint = aws_endpoint(out->region);
    if (rc == ERR_OK)
        rc = s3_settings_endpoint(endpoint, &out->scheme, &out->authority, &out->base_path, err);
    if (rc == ERR_OK)
        rc = choose_addressing(lookup, custom, out, err);
    free(endpoint);
    return rc;
}

static int load_encryption(const struct s3_lookup *lookup, struct s3_settings *out,
                           struct error *err)
{
    out->expected_bucket_owner = s3_lookup_copy(lookup, "CAUCE_S3_EXPECTED_BUCKET_OWNER");
    out->kms_key_id = s3_lookup_copy(lookup, "CAUCE_S3_KMS_KEY_ID");
    char *wanted = s3_lookup_copy(lookup, "CAUCE_S3_ENCRYPTION");
    int rc = ERR_OK;
    if (wanted == NULL || strcmp(wanted, "none") == 0)
        out->encryption = out->kms_key_id != NULL ? mem_strdup("aws:kms") : NULL;
    else if (strcmp(wanted, "sse-s3") == 0)
        out->encryption = mem_strdup("AES256");
    else if (strcmp(wanted, "sse-kms") == 0)
        out->encryption = mem_strdup("aws:kms");
    else
        rc =
            error_set(err, ERR_CONFIG,
                      "CAUCE_S3_ENCRYPTION is \"%s\"; it must be none, sse-s3 or sse-kms.", wanted);
    if (rc == ERR_OK && out->kms_key_id != NULL && strcmp(out->encryption, "aws:kms") != 0)
        rc = error_set(err, ERR_CONFIG,
                       "CAUCE_S3_KMS_KEY_ID is set, but CAUCE_S3_ENCRYPTION is not "
                       "sse-kms.");
    free(wanted);
    return rc;
}

static char *first_of(const struct s3_lookup *lookup, const char *a, const char *b)
{
    char *value = s3_lookup_copy(lookup, a);
    return value != NULL ? value : s3_lookup_copy(lookup, b);
}

static void load_folders(const struct s3_lookup *lookup, struct s3_settings *out)
{
    out->ca_file = s3_lookup_copy(lookup, "AWS_CA_BUNDLE");
    if (out->ca_file == NULL)
        out->ca_file = s3_profile_setting(lookup, "ca_bundle");
    /* HTTP_PROXY in capitals is what a client wishes, below a web server: curl ignores it, too. */
    char *any = first_of(lookup, "all_proxy", "ALL_PROXY");
    out->proxy = first_of(lookup, "https_proxy", "HTTPS_PROXY");
    out->plain_proxy = s3_lookup_copy(lookup, "http_proxy");
    if (out->proxy == NULL && any != NULL)
        out->proxy = mem_strdup(any);
    if (out->plain_proxy == NULL && any != NULL)
        out->plain_proxy = mem_strdup(any);
    free(any);
    out->no_proxy = first_of(lookup, "no_proxy", "NO_PROXY");
    out->temp_folder = s3_lookup_copy(lookup, "TMPDIR");
    if (out->temp_folder == NULL)
        out->temp_folder = mem_strdup("/tmp");
    char *cache = s3_lookup_copy(lookup, "XDG_CACHE_HOME");
    char *home = s3_lookup_copy(lookup, "HOME");
    if (cache == NULL && home != NULL)
        cache = fs_join(home, ".cache");
    if (cache != NULL && cache[0] == '/')
        out->cache_folder = fs_join(cache, "cauce");
    free(cache);
    free(home);
    out->allow_plain = s3_lookup_flag(lookup, "CAUCE_S3_ALLOW_HTTP");
}

static int load_numbers(const struct s3_lookup *lookup, struct s3_settings *out, struct error *err)
{
    uint64_t transfers = 0;
    uint64_t connect = 0;
    uint64_t stall = 0;
    uint64_t total = 0;
    const struct {
        const char *name;
        uint64_t least, most, fallback;
        uint64_t *out;
    } rows[] = {
        {"CAUCE_S3_PARALLEL", 1, 64, 16, &transfers},
        {"CAUCE_S3_PART_SIZE", 5 * MIB, 5120 * MIB, 16 * MIB, &out->part_size},
        {"CAUCE_S3_MULTIPART_THRESHOLD", 5 * MIB, 5120 * MIB, 64 * MIB, &out->multipart_threshold},
        {"CAUCE_S3_CONNECT_SECONDS", 1, 3600, 10, &connect},
        {"CAUCE_S3_STALL_SECONDS", 1, 3600, 30, &stall},
        {"CAUCE_S3_REQUEST_SECONDS", 1, 3600, 60, &total},
        {"CAUCE_S3_RETRY_SECONDS", 1, 86400, 120, &out->retry_seconds},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int rc = s3_lookup_number(lookup, rows[i].name, rows[i].least, rows[i].most,
                                  rows[i].fallback, rows[i].out, err);
        if (rc != ERR_OK)
            return rc;
    }
    out->transfers = (unsigned)transfers;
    out->connect_seconds = (int)connect;
    out->stall_seconds = (int)stall;
    out->total_seconds = (int)total;
    return ERR_OK;
}

int s3_settings_load(const char *url, const struct s3_lookup *lookup, struct s3_settings *out,
                     struct error *err)
{
    *out = (struct s3_settings){0};
    int rc = split_url(url, out, err);
    if (rc == ERR_OK)
        rc = load_place(lookup, out, err);
    if (rc == ERR_OK)
        rc = load_encryption(lookup, out, err);
    if (rc == ERR_OK)
        rc = load_numbers(lookup, out, err);
    if (rc == ERR_OK)
        load_folders(lookup, out);
    else
        s3_settings_release(out);
    return rc;
}

void s3_settings_release(struct s3_settings *s)
{
    char *const owned[] = {s->bucket,
                           s->prefix,
                           s->scheme,
                           s->authority,
                           s->base_path,
                           s->region,
                           s->expected_bucket_owner,
                           s->encryption,
                           s->kms_key_id,
                           s->ca_file,
                           s->proxy,
                           s->plain_proxy,
                           s->no_proxy,
                           s->cache_folder,
                           s->temp_folder};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    *s = (struct s3_settings){0};
}
