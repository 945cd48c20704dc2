/*
 * The shared files of the AWS tools: ~/.aws/config and ~/.aws/credentials, with AWS_PROFILE.
 * Source of the format: "Shared config and credentials files", AWS SDKs and Tools Reference Guide.
 */
#include "net/aws/providers.h"

#include <stdlib.h>
#include <string.h>

#include "util/fs.h"
#include "util/mem.h"

#define FIELDS_MAX 20000
#define DEPTH_MAX 8

/* One "name = value" of a section. All strings are owned. */
struct field {
    char *section;
    char *name;
    char *value;
};

/* Both files: fields of profiles (section = name of the profile) and of SSO sessions. */
struct profiles {
    struct field *fields; /* of the credentials file first: it wins */
    size_t count, capacity;
    const struct aws_provider *provider;
};

static char *trimmed(const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        length--;
    while (length > 0 && strchr(" \t", text[0]) != NULL) {
        text++;
        length--;
    }
    return mem_strndup(text, length);
}

/*
 * Name of a section as we keep it: the profile's name; "sso-session NAME" for those. In the config
 * file a profile is called "profile NAME", except for the default one. NULL: another kind of
 * section.
 */
static char *section_name(const char *line, size_t length, bool config)
{
    char *inner = trimmed(line, length);
    char *name = NULL;
    if (!config || strcmp(inner, "default") == 0)
        name = mem_strdup(inner);
    else if (str_starts(inner, "profile ") || str_starts(inner, "profile\t"))
        name = trimmed(inner + 8, strlen(inner) - 8);
    else if (str_starts(inner, "sso-session "))
        name = mem_strdup(inner);
    free(inner);
    return name;
}

static void add_field(struct profiles *p, const char *section, const char *line, size_t length)
{
    const char *equals = memchr(line, '=', length);
    if (equals == NULL || p->count == FIELDS_MAX)
        return;
    p->fields = mem_grow(p->fields, p->count, &p->capacity, sizeof *p->fields);
    p->fields[p->count++] = (struct field){
        .section = mem_strdup(section),
        .name = trimmed(line, (size_t)(equals - line)),
        .value = trimmed(equals + 1, length - (size_t)(equals + 1 - line)),
    };
}

static void parse_file(struct profiles *p, const char *text, bool config)
{
    char *section = NULL;
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        const char *close = memchr(line, ']', length);
        if (line[0] == '[' && close != NULL) {
            free(section);
            section = section_name(line + 1, (size_t)(close - line - 1), config);
        } else if (section != NULL && length > 0 && strchr("#; \t\r", line[0]) == NULL) {
            /* Lines that begin with a blank belong to a nested setting. */
            add_field(p, section, line, length);
        }
        line += length;
        line += *line == '\n';
    }
    free(section);
}

static int load_file(struct profiles *p, const char *setting, const char *name, bool config,
                     struct error *err)
{
    const struct aws_lookup *lookup = &p->provider->lookup;
    char *path = aws_lookup_copy(lookup, setting);
    char *home = aws_lookup_copy(lookup, "HOME");
    if (path == NULL && home != NULL)
        path = mem_printf("%s/.aws/%s", home, name);
    struct str text;
    str_init(&text, AWS_PROVIDER_MAX);
    int rc = path != NULL ? fs_read(path, &text, err) : ERR_ABSENT;
    if (rc == ERR_OK)
        parse_file(p, text.data, config);
    if (text.len > 0)
        explicit_bzero(text.data, text.len);
    str_release(&text);
    free(path);
    free(home);
    return rc == ERR_ABSENT ? ERR_OK : rc;
}

static int load(const struct aws_provider *provider, struct profiles *p, struct error *err)
{
    *p = (struct profiles){.provider = provider};
    int rc = load_file(p, "AWS_SHARED_CREDENTIALS_FILE", "credentials", false, err);
    return rc == ERR_OK ? load_file(p, "AWS_CONFIG_FILE", "config", true, err) : rc;
}

static void release(struct profiles *p)
{
    for (size_t i = 0; i < p->count; i++) {
        free(p->fields[i].section);
        free(p->fields[i].name);
        explicit_bzero(p->fields[i].value, strlen(p->fields[i].value));
        free(p->fields[i].value);
    }
    free(p->fields);
}

static const char *get(const struct profiles *p, const char *section, const char *name)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct field *f = &p->fields[i];
        if (strcmp(f->section, section) == 0 && strcasecmp(f->name, name) == 0 &&
            f->value[0] != '\0')
            return f->value;
    }
    return NULL;
}

static bool exists(const struct profiles *p, const char *section)
{
    for (size_t i = 0; i < p->count; i++) {
        if (strcmp(p->fields[i].section, section) == 0)
            return true;
    }
    return false;
}

static char *profile_name(const struct aws_lookup *lookup, bool *named)
{
    char *name = aws_lookup_copy(lookup, "AWS_PROFILE");
    if (name == NULL)
        name = aws_lookup_copy(lookup, "AWS_DEFAULT_PROFILE");
    *named = name != NULL;
    return *named ? name : mem_strdup("default");
}

static int resolve(const struct profiles *p, const char *name, int depth,
                   struct aws_credentials *out, struct error *err);

static int from_keys(const struct profiles *p, const char *name, struct aws_credentials *out,
                     struct error *err)
{
    const char *id = get(p, name, "aws_access_key_id");
    const char *secret = get(p, name, "aws_secret_access_key");
    if (id == NULL && secret == NULL)
        return ERR_ABSENT;
    char *who = mem_printf("the profile %s in the shared files", name);
    int rc = aws_provider_make(id, secret, get(p, name, "aws_session_token"), NULL, who, out, err);
    free(who);
    return rc;
}

/* The credentials that a role is assumed with: from another profile, or from a named source. */
static int find_signer(const struct profiles *p, const char *name, int depth,
                       struct aws_credentials *out, struct error *err)
{
    const char *profile = get(p, name, "source_profile");
    const char *source = get(p, name, "credential_source");
    int rc;
    if (profile != NULL && strcmp(profile, name) == 0)
        rc = from_keys(p, name, out, err);
    else if (profile != NULL)
        rc = resolve(p, profile, depth + 1, out, err);
    else if (source != NULL && strcmp(source, "Environment") == 0)
        rc = aws_provider_environment(p->provider, out, err);
    else if (source != NULL && strcmp(source, "Ec2InstanceMetadata") == 0)
        rc = aws_provider_instance(p->provider, out, err);
    else if (source != NULL && strcmp(source, "EcsContainer") == 0)
        rc = aws_provider_container(p->provider, out, err);
    else
        return error_set(err, ERR_CONFIG,
                         "The profile %s has a role_arn, but neither "
                         "source_profile nor a known credential_source.",
                         name);
    if (rc == ERR_ABSENT)
        return error_set(err, ERR_CONFIG,
                         "The profile %s names a source of credentials that provides none.", name);
    return rc;
}

static const char *region_of(const struct profiles *p, const char *name, char **owned)
{
    *owned = aws_lookup_copy(&p->provider->lookup, "AWS_REGION");
    if (*owned == NULL)
        *owned = aws_lookup_copy(&p->provider->lookup, "AWS_DEFAULT_REGION");
    const char *region = *owned != NULL ? *owned : get(p, name, "region");
    return region != NULL ? region : "us-east-1";
}

static int from_role(const struct profiles *p, const char *name, int depth,
                     struct aws_credentials *out, struct error *err)
{
    const char *token_file = get(p, name, "web_identity_token_file");
    char *owned = NULL;
    const struct aws_role role = {
        .arn = get(p, name, "role_arn"),
        .session_name = get(p, name, "role_session_name"),
        .external_id = get(p, name, "external_id"),
        .duration = get(p, name, "duration_seconds"),
        .region = region_of(p, name, &owned),
    };
    int rc;
    if (role.arn == NULL) {
        rc = ERR_ABSENT;
    } else if (token_file != NULL) {
        rc = aws_provider_assume_role_with_file(p->provider, &role, token_file, out, err);
    } else {
        struct aws_credentials signer = {0};
        rc = find_signer(p, name, depth, &signer, err);
        if (rc == ERR_OK)
            rc = aws_provider_assume_role(p->provider, &role, &signer, out, err);
        aws_credentials_release(&signer);
    }
    free(owned);
    return rc;
}

static int from_sso(const struct profiles *p, const char *name, struct aws_credentials *out,
                    struct error *err)
{
    const char *session = get(p, name, "sso_session");
    char *section = session != NULL ? mem_printf("sso-session %s", session) : mem_strdup(name);
    const struct aws_sso sso = {
        .start_url = get(p, section, "sso_start_url"),
        .region = get(p, section, "sso_region"),
        .account_id = get(p, name, "sso_account_id"),
        .role_name = get(p, name, "sso_role_name"),
    };
    int rc;
    if (session == NULL && sso.start_url == NULL)
        rc = ERR_ABSENT;
    else if (sso.start_url == NULL || sso.region == NULL || sso.account_id == NULL ||
             sso.role_name == NULL)
        rc = error_set(err, ERR_CONFIG,
                       "The profile %s needs sso_start_url, sso_region, "
                       "sso_account_id and sso_role_name.",
                       name);
    else
        rc = aws_provider_sso(p->provider, &sso, out, err);
    free(section);
    return rc;
}

static int resolve(const struct profiles *p, const char *name, int depth,
                   struct aws_credentials *out, struct error *err)
{
    if (depth == DEPTH_MAX)
        return error_set(err, ERR_CONFIG,
                         "The profile %s is its own source_profile, or has too "
                         "many of them in a row.",
                         name);
    int rc = from_role(p, name, depth, out, err);
    if (rc == ERR_ABSENT)
        rc = from_sso(p, name, out, err);
    if (rc == ERR_ABSENT)
        rc = from_keys(p, name, out, err);
    const char *command = get(p, name, "credential_process");
    if (rc == ERR_ABSENT && command != NULL)
        rc = aws_provider_process(command, out, err);
    return rc;
}

int aws_provider_profile(const struct aws_provider *provider, struct aws_credentials *out,
                         struct error *err)
{
    struct profiles p;
    bool named = false;
    char *name = profile_name(&provider->lookup, &named);
    int rc = load(provider, &p, err);
    if (rc == ERR_OK)
        rc = resolve(&p, name, 0, out, err);
    if (rc == ERR_ABSENT && named && !exists(&p, name))
        rc = error_set(err, ERR_CONFIG, "The profile %s (AWS_PROFILE) is not in the shared files.",
                       name);
    release(&p);
    free(name);
    return rc;
}

char *aws_profile_setting(const struct aws_lookup *lookup, const char *field)
{
    const struct aws_provider provider = {.lookup = *lookup};
    struct profiles p;
    bool named = false;
    char *name = profile_name(lookup, &named);
    char *value = NULL;
    if (load(&provider, &p, NULL) == ERR_OK)
        value = mem_strdup(get(&p, name, field));
    release(&p);
    free(name);
    return value;
}
