/* Roles: AssumeRole and AssumeRoleWithWebIdentity of the AWS Security Token Service. */
#include "net/aws/endpoint.h"
#include "net/aws/providers.h"

#include <stdlib.h>
#include <string.h>

#include "net/aws/sign.h"
#include "net/xml.h"
#include "util/digest.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"
#define STS_URL_MAX 2048

struct sts {
    char *scheme, *authority, *path;
    struct str url;
    struct str form;
};

static int sts_init(const struct aws_provider *p, const char *region, struct sts *s,
                    struct error *err)
{
    *s = (struct sts){0};
    str_init(&s->url, STS_URL_MAX);
    str_init(&s->form, AWS_PROVIDER_MAX);
    char *endpoint = aws_lookup_copy(&p->lookup, "AWS_ENDPOINT_URL_STS");
    if (endpoint == NULL)
        endpoint = mem_printf("https://sts.%s.amazonaws.com%s", region,
                              str_starts(region, "cn-") ? ".cn" : "");
    int rc = aws_endpoint_split(endpoint, &s->scheme, &s->authority, &s->path, err);
    if (rc == ERR_OK)
        str_printf(&s->url, "%s://%s%s/", s->scheme, s->authority, s->path);
    free(endpoint);
    return rc;
}

static void sts_release(struct sts *s)
{
    free(s->scheme);
    free(s->authority);
    free(s->path);
    if (s->form.len > 0)
        explicit_bzero(s->form.data, s->form.len);
    str_release(&s->form);
    str_release(&s->url);
}

static void add_field(struct sts *s, const char *name, const char *value)
{
    if (value == NULL)
        return;
    str_printf(&s->form, "%s%s=", s->form.len > 0 ? "&" : "", name);
    aws_sign_encode(value, &s->form);
}

static void add_role(struct sts *s, const char *action, const struct aws_role *role)
{
    char id[ID_SIZE];
    id_new(id);
    char *made_up = mem_printf("cauce-%.16s", id);
    add_field(s, "Action", action);
    add_field(s, "Version", "2011-06-15");
    add_field(s, "RoleArn", role->arn);
    add_field(s, "RoleSessionName", role->session_name != NULL ? role->session_name : made_up);
    add_field(s, "ExternalId", role->external_id);
    add_field(s, "DurationSeconds", role->duration);
    free(made_up);
}

static int take_credentials(const struct str *xml, const char *who, struct aws_credentials *out,
                            struct error *err)
{
    char *id = NULL;
    char *secret = NULL;
    char *token = NULL;
    char *expires = NULL;
    int rc = xml_text(xml->data, xml->len, "Credentials/AccessKeyId", &id, err);
    if (rc == ERR_OK)
        rc = xml_text(xml->data, xml->len, "Credentials/SecretAccessKey", &secret, err);
    if (rc == ERR_OK)
        rc = xml_text(xml->data, xml->len, "Credentials/SessionToken", &token, err);
    if (rc == ERR_OK)
        rc = xml_text(xml->data, xml->len, "Credentials/Expiration", &expires, err);
    if (rc == ERR_OK)
        rc = aws_provider_make(id, secret, token, expires, who, out, err);
    else
        error_prefix(err, "The answer from %s cannot be used", who);
    free(id);
    free(secret);
    free(token);
    free(expires);
    return rc;
}

/* Post the form, signed where `headers` say so, and read the credentials it gives. */
static int post(const struct aws_provider *p, const struct sts *s, const struct http_pair *headers,
                size_t count, const char *who, struct aws_credentials *out, struct error *err)
{
    struct str xml;
    str_init(&xml, AWS_PROVIDER_MAX);
    const struct transfer_request request = {
        .method = "POST",
        .url = s->url.data,
        .headers = headers,
        .header_count = count,
        .bytes = s->form.data,
        .size = s->form.len,
    };
    int rc = aws_provider_ask(p->http, &request, who, &xml, NULL, err);
    if (rc == ERR_OK)
        rc = take_credentials(&xml, who, out, err);
    if (xml.len > 0)
        explicit_bzero(xml.data, xml.len);
    str_release(&xml);
    return rc;
}

static int post_signed(const struct aws_provider *p, const struct sts *s, const char *region,
                       const struct aws_credentials *signer, const char *who,
                       struct aws_credentials *out, struct error *err)
{
    char date[AWS_SIGN_DATE_SIZE];
    char digest[SHA256_HEX_SIZE];
    struct str authorization;
    str_init(&authorization, 4096);
    sha256_hex(s->form.data, s->form.len, digest);
    int rc = aws_sign_date(time_now(), date, err);
    struct http_pair headers[6] = {
        {"content-type", FORM_TYPE}, {"host", s->authority}, {"x-amz-date", date}};
    size_t count = 3;
    if (signer->session_token != NULL)
        headers[count++] = (struct http_pair){"x-amz-security-token", signer->session_token};
    struct str path;
    str_init(&path, STS_URL_MAX);
    str_printf(&path, "%s/", s->path);
    const struct aws_sign_request request = {.method = "POST",
                                             .path = path.data,
                                             .query = "",
                                             .headers = headers,
                                             .header_count = count,
                                             .payload_sha256 = digest,
                                             .date = date,
                                             .region = region,
                                             .service = "sts"};
    const struct aws_sign_key key = {signer->access_key_id, signer->secret, signer->session_token};
    if (rc == ERR_OK)
        rc = aws_sign_authorization(&request, &key, &authorization, err);
    headers[count++] = (struct http_pair){"authorization", authorization.data};
    if (rc == ERR_OK)
        rc = post(p, s, headers, count, who, out, err);
    str_release(&path);
    str_release(&authorization);
    return rc;
}

int aws_provider_assume_role(const struct aws_provider *p, const struct aws_role *role,
                             const struct aws_credentials *signer, struct aws_credentials *out,
                             struct error *err)
{
    struct sts s;
    char *who = mem_printf("the role %s, assumed with %s", role->arn, signer->source);
    int rc = sts_init(p, role->region, &s, err);
    if (rc == ERR_OK) {
        add_role(&s, "AssumeRole", role);
        rc = post_signed(p, &s, role->region, signer, who, out, err);
    }
    sts_release(&s);
    free(who);
    return rc;
}

int aws_provider_assume_role_with_file(const struct aws_provider *p, const struct aws_role *role,
                                       const char *token_file, struct aws_credentials *out,
                                       struct error *err)
{
    static const struct http_pair headers[] = {{"content-type", FORM_TYPE}};
    struct sts s;
    char *token = NULL;
    char *who =
        mem_printf("the role %s, assumed with the web identity in %s", role->arn, token_file);
    int rc = sts_init(p, role->region, &s, err);
    if (rc == ERR_OK)
        rc = aws_provider_read(token_file, &token, err);
    /* A file that was named and is not there is not a missing source, but a mistake. */
    if (rc == ERR_ABSENT)
        rc = error_set(err, ERR_CONFIG, "The web identity's token file %s is not there.",
                       token_file);
    if (rc == ERR_OK) {
        log_secret(token);
        add_role(&s, "AssumeRoleWithWebIdentity", role);
        add_field(&s, "WebIdentityToken", token);
        rc = post(p, &s, headers, 1, who, out, err);
        explicit_bzero(token, strlen(token));
    }
    sts_release(&s);
    free(token);
    free(who);
    return rc;
}

int aws_provider_web_identity(const struct aws_provider *p, struct aws_credentials *out,
                              struct error *err)
{
    char *arn = aws_lookup_copy(&p->lookup, "AWS_ROLE_ARN");
    char *file = aws_lookup_copy(&p->lookup, "AWS_WEB_IDENTITY_TOKEN_FILE");
    char *session = aws_lookup_copy(&p->lookup, "AWS_ROLE_SESSION_NAME");
    char *region = aws_lookup_copy(&p->lookup, "AWS_REGION");
    if (region == NULL)
        region = aws_lookup_copy(&p->lookup, "AWS_DEFAULT_REGION");
    if (region == NULL)
        region = mem_strdup("us-east-1");
    int rc = ERR_ABSENT;
    if (arn != NULL && file != NULL) {
        const struct aws_role role = {.arn = arn, .session_name = session, .region = region};
        rc = aws_provider_assume_role_with_file(p, &role, file, out, err);
    }
    free(arn);
    free(file);
    free(session);
    free(region);
    return rc;
}
