#include "store/s3/settings.h"

#include <stdlib.h>
#include <string.h>

#include "net/aws/endpoint.h"
#include "net/aws/providers.h"
#include "net/aws/sign.h"
#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define MIB (UINT64_C(1) << 20)
#define BUCKET_MAX 255
#define S3_NAME_MAX 1024 /* bytes of a name in a bucket */

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
    const char *fault = store_prefix_fault(out->prefix, S3_NAME_MAX);
    if (strpbrk(out->prefix, "?#") != NULL)
        fault = "it holds a \"?\" or \"#\"";
    if (fault == NULL)
        return ERR_OK;
    error_set(err, ERR_CONFIG, "The prefix of %.300s cannot be used for a store: %s.", url, fault);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, "Choose another one.");
}

/* The endpoint of AWS for a region. */
static char *default_endpoint(const char *region)
{
    const char *suffix = str_starts(region, "cn-") ? ".cn" : "";
    return mem_printf("https://s3.%s.amazonaws.com%s", region, suffix);
}

/* Is the host an IP address? Such a host cannot have a bucket in front of it. */
static bool is_address(const char *authority)
{
    size_t n = strcspn(authority, ":");
    return authority[0] == '[' || strspn(authority, "0123456789.") >= n;
}

/* What the configuration says, else the environment; a new string, or NULL. */
static char *either(const char *configured, const struct aws_lookup *lookup, const char *name)
{
    return configured != NULL ? mem_strdup(configured) : aws_lookup_copy(lookup, name);
}

/* A setting with few values, as the position in `names`, which ends with NULL; 0 where not set. */
static int lookup_choice(const struct aws_lookup *lookup, const char *name,
                         const char *const *names, const char *meant, unsigned *out,
                         struct error *err)
{
    char *value = aws_lookup_copy(lookup, name);
    int rc = ERR_OK;
    *out = 0;
    if (value != NULL) {
        while (names[*out] != NULL && strcmp(names[*out], value) != 0)
            (*out)++;
        if (names[*out] == NULL)
            rc = error_set(err, ERR_CONFIG, "%s is \"%s\"; it must be %s.", name, value, meant);
    }
    free(value);
    return rc;
}

static int choose_addressing(const struct store_s3_options *options,
                             const struct aws_lookup *lookup, struct s3_settings *out,
                             struct error *err)
{
    static const char *const names[] = {"auto", "path", "virtual", NULL};
    unsigned style = options->addressing;
    int rc = ERR_OK;
    if (style == STORE_S3_AUTO)
        rc = lookup_choice(lookup, "CAUCE_S3_ADDRESSING", names, "auto, path or virtual", &style,
                           err);
    /* A dot in the bucket's name would fall outside the certificate of *.s3.amazonaws.com. */
    bool by_host = out->endpoint == NULL && strchr(out->bucket, '.') == NULL;
    if (style != STORE_S3_AUTO)
        by_host = style == STORE_S3_VIRTUAL;
    if (rc == ERR_OK && by_host && is_address(out->authority))
        rc = error_set(err, ERR_CONFIG,
                       "The endpoint %s is an IP address, which cannot have the bucket in front of "
                       "it: use CAUCE_S3_ADDRESSING=path.",
                       out->authority);
    char **slot = by_host ? &out->authority : &out->base_path;
    char *joined = by_host ? mem_printf("%s.%s", out->bucket, out->authority)
                           : mem_printf("%s/%s", out->base_path, out->bucket);
    free(*slot);
    *slot = joined;
    return rc;
}

static int load_place(const struct store_s3_options *options, const struct aws_lookup *lookup,
                      struct s3_settings *out, struct error *err)
{
    out->region = aws_lookup_copy(lookup, "AWS_REGION");
    if (out->region == NULL)
        out->region = aws_lookup_copy(lookup, "AWS_DEFAULT_REGION");
    if (out->region == NULL)
        out->region = aws_profile_setting(lookup, "region");
    out->endpoint = either(options->endpoint, lookup, "AWS_ENDPOINT_URL_S3");
    if (out->endpoint == NULL)
        out->endpoint = aws_lookup_copy(lookup, "AWS_ENDPOINT_URL");
    if (out->endpoint == NULL)
        out->endpoint = aws_profile_setting(lookup, "endpoint_url");
    if (out->region == NULL)
        out->region = mem_strdup("us-east-1");
    int rc = ERR_OK;
    if (strspn(out->region, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(out->region))
        rc = error_set(err, ERR_CONFIG, "\"%s\" is not the name of a region.", out->region);
    char *own = default_endpoint(out->region);
    if (rc == ERR_OK)
        rc = aws_endpoint_split(out->endpoint != NULL ? out->endpoint : own, &out->scheme,
                                &out->authority, &out->base_path, err);
    if (rc == ERR_OK)
        rc = choose_addressing(options, lookup, out, err);
    free(own);
    return rc;
}

static int load_encryption(const struct store_s3_options *options, const struct aws_lookup *lookup,
                           struct s3_settings *out, struct error *err)
{
    static const char *const names[] = {"", "none", "sse-s3", "sse-kms", NULL};
    unsigned wanted = options->encryption;
    int rc = ERR_OK;
    if (options->reads_only)
        return ERR_OK;
    out->expected_bucket_owner =
        either(options->expected_bucket_owner, lookup, "CAUCE_S3_EXPECTED_BUCKET_OWNER");
    out->kms_key_id = either(options->kms_key_id, lookup, "CAUCE_S3_KMS_KEY_ID");
    if (wanted == STORE_S3_ENCRYPTION_UNSET)
        rc = lookup_choice(lookup, "CAUCE_S3_ENCRYPTION", names, "none, sse-s3 or sse-kms", &wanted,
                           err);
    if (wanted == STORE_S3_ENCRYPTION_AES)
        out->encryption = mem_strdup("AES256");
    else if (wanted == STORE_S3_ENCRYPTION_KMS || out->kms_key_id != NULL)
        out->encryption = mem_strdup("aws:kms");
    if (rc == ERR_OK && out->kms_key_id != NULL && strcmp(out->encryption, "aws:kms") != 0)
        rc = error_set(err, ERR_CONFIG,
                       "CAUCE_S3_KMS_KEY_ID is set, but CAUCE_S3_ENCRYPTION is not "
                       "sse-kms.");
    return rc;
}

static char *first_of(const struct aws_lookup *lookup, const char *a, const char *b)
{
    char *value = aws_lookup_copy(lookup, a);
    return value != NULL ? value : aws_lookup_copy(lookup, b);
}

static void load_folders(const struct store_s3_options *options, const struct aws_lookup *lookup,
                         struct s3_settings *out)
{
    out->ca_file = either(options->ca_file, lookup, "AWS_CA_BUNDLE");
    if (out->ca_file == NULL)
        out->ca_file = aws_profile_setting(lookup, "ca_bundle");
    /* Below a web server, HTTP_PROXY in capitals is set by the client: curl ignores it, too. */
    char *any = first_of(lookup, "all_proxy", "ALL_PROXY");
    out->proxy = options->proxy != NULL ? mem_strdup(options->proxy)
                                        : first_of(lookup, "https_proxy", "HTTPS_PROXY");
    out->plain_proxy = aws_lookup_copy(lookup, "http_proxy");
    if (out->proxy == NULL && any != NULL)
        out->proxy = mem_strdup(any);
    if (out->plain_proxy == NULL && any != NULL)
        out->plain_proxy = mem_strdup(any);
    free(any);
    out->no_proxy = first_of(lookup, "no_proxy", "NO_PROXY");
    out->temp_folder = aws_lookup_copy(lookup, "TMPDIR");
    if (out->temp_folder == NULL)
        out->temp_folder = mem_strdup("/tmp");
    char *cache = aws_lookup_copy(lookup, "XDG_CACHE_HOME");
    char *home = aws_lookup_copy(lookup, "HOME");
    if (cache == NULL && home != NULL)
        cache = fs_join(home, ".cache");
    if (cache != NULL && cache[0] == '/')
        out->cache_folder = fs_join(cache, "cauce");
    free(cache);
    free(home);
    out->allow_plain = options->allow_plain || aws_lookup_flag(lookup, "CAUCE_S3_ALLOW_HTTP");
}

static int load_numbers(const struct store_s3_options *options, const struct aws_lookup *lookup,
                        struct s3_settings *out, struct error *err)
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
        int rc = aws_lookup_number(lookup, rows[i].name, rows[i].least, rows[i].most,
                                   rows[i].fallback, rows[i].out, err);
        if (rc != ERR_OK)
            return rc;
    }
    out->transfers = options->parallel > 0 ? options->parallel : (unsigned)transfers;
    out->connect_seconds = (int)connect;
    out->stall_seconds = (int)stall;
    out->total_seconds = (int)total;
    return ERR_OK;
}

int s3_settings_load(const char *url, const struct store_s3_options *options,
                     const struct aws_lookup *lookup, struct s3_settings *out, struct error *err)
{
    *out = (struct s3_settings){0};
    int rc = split_url(url, out, err);
    if (rc == ERR_OK)
        rc = load_place(options, lookup, out, err);
    if (rc == ERR_OK)
        rc = load_encryption(options, lookup, out, err);
    if (rc == ERR_OK)
        rc = load_numbers(options, lookup, out, err);
    if (rc == ERR_OK)
        load_folders(options, lookup, out);
    else
        s3_settings_release(out);
    return rc;
}

void s3_settings_release(struct s3_settings *s)
{
    char *const owned[] = {s->bucket,      s->prefix,     s->scheme,       s->authority,
                           s->base_path,   s->endpoint,   s->region,       s->expected_bucket_owner,
                           s->encryption,  s->kms_key_id, s->ca_file,      s->proxy,
                           s->plain_proxy, s->no_proxy,   s->cache_folder, s->temp_folder};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
        free(owned[i]);
    *s = (struct s3_settings){0};
}
