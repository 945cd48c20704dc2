/* The part of wire.h that knows no XML: status and error code to what a caller may do. */
#include "store/s3/wire.h"

#include <string.h>

static bool one_of(const char *code, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(code, *list) == 0)
            return true;
    }
    return false;
}

bool s3_wire_is_skew(const char *code)
{
    return strcmp(code, "RequestTimeTooSkewed") == 0;
}

bool s3_wire_is_expired(const char *code)
{
    static const char *const codes[] = {"ExpiredToken", "ExpiredTokenException",
                                        "TokenRefreshRequired", "RequestExpired", NULL};
    return one_of(code, codes);
}

/* Changes something a reader may see, so that silence leaves the outcome open. */
static bool is_write(enum s3_op op)
{
    return op == S3_OP_CREATE || op == S3_OP_REPLACE || op == S3_OP_COPY || op == S3_OP_COMPLETE ||
           op == S3_OP_DELETE || op == S3_OP_DELETE_MANY;
}

int s3_wire_classify_silence(enum s3_op op, bool sent)
{
    return sent && is_write(op) ? ERR_UNKNOWN : ERR_AGAIN;
}

/* The status that belongs to a code that came with 200 (an error sent after the headers). */
static long status_of_code(const char *code)
{
    static const struct {
        const char *code;
        long status;
    } known[] = {
        {"PreconditionFailed", 412}, {"ConditionalRequestConflict", 409},
        {"OperationAborted", 409},   {"NoSuchKey", 404},
        {"NoSuchUpload", 404},       {"NoSuchBucket", 404},
        {"AccessDenied", 403},       {"BadDigest", 400},
        {"InvalidPart", 400},        {"InvalidPartOrder", 400},
        {"EntityTooSmall", 400},     {"EntityTooLarge", 400},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(code, known[i].code) == 0)
            return known[i].status;
    }
    return 500;
}

static int classify_absent(enum s3_op op, const char *code)
{
    if (strcmp(code, "NoSuchBucket") == 0)
        return ERR_CONFIG;
    switch (op) {
    case S3_OP_REPLACE:
        return ERR_CONFLICT;
    case S3_OP_DELETE:
    case S3_OP_DELETE_MANY:
        return ERR_OK;
    case S3_OP_COMPLETE:
        /* NoSuchUpload: aborted by somebody, or completed by an earlier copy of this request. */
        return strcmp(code, "NoSuchUpload") == 0 ? ERR_UNKNOWN : ERR_CONFLICT;
    case S3_OP_GET:
    case S3_OP_HEAD:
    case S3_OP_LIST:
    case S3_OP_CREATE:
    case S3_OP_COPY:
    case S3_OP_PART:
        break;
    }
    return ERR_ABSENT;
}

static int classify_refused(const char *code)
{
    static const char *const config[] = {"AuthorizationHeaderMalformed", "PermanentRedirect",
                                         "IllegalLocationConstraintException", "InvalidBucketName",
                                         NULL};
    /*
     * The server never read the whole request, so nothing came of it. The body was compared with
     * its digest before it was sent: a digest that does not fit means a bad connection.
     */
    static const char *const again[] = {"RequestTimeout",
                                        "SlowDown",
                                        "RequestTimeTooSkewed",
                                        "IncompleteBody",
                                        "BadDigest",
                                        "InvalidDigest",
                                        "XAmzContentSHA256Mismatch",
                                        "XAmzContentChecksumMismatch",
                                        NULL};
    if (one_of(code, config))
        return ERR_CONFIG;
    if (one_of(code, again) || s3_wire_is_expired(code))
        return ERR_AGAIN;
    return ERR_DENIED;
}

int s3_wire_classify(enum s3_op op, long status, const char *code)
{
    if (status >= 200 && status < 300) {
        if (code[0] == '\0')
            return ERR_OK;
        status = status_of_code(code);
    }
    if (status >= 300 && status < 400)
        return ERR_CONFIG;
    switch (status) {
    case 404:
        return classify_absent(op, code);
    case 408:
        return s3_wire_classify_silence(op, true);
    case 409:
        return ERR_AGAIN;
    case 412:
        return ERR_CONFLICT;
    case 429:
        return ERR_AGAIN;
    case 501:
        return ERR_GATE;
    default:
        break;
    }
    /*
     * Statuses that only something between us and the server gives, which may have passed the
     * request on first: nginx's 499, Amazon's load balancers' 460.
     */
    if (status >= 450 && status < 500 && code[0] == '\0')
        return s3_wire_classify_silence(op, true);
    if (status >= 400 && status < 500)
        return classify_refused(code);
    return s3_wire_classify_silence(op, true);
}

bool s3_wire_tag(const char *etag, char *out, size_t size)
{
    if (strncmp(etag, "W/", 2) == 0)
        etag += 2;
    size_t n = strlen(etag);
    if (n >= 2 && etag[0] == '"' && etag[n - 1] == '"') {
        etag++;
        n -= 2;
    }
    if (n == 0 || n >= size)
        return false;
    memcpy(out, etag, n);
    out[n] = '\0';
    return true;
}
