/* What S3 servers answer: documents to structs, status and code to what a caller may do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "net/xml.h"
#include "store/s3/wire.h"

#define HEAD "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
#define NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""

static void a_page_of_a_listing_is_read(void **state)
{
    (void)state;
    const char *xml =
        HEAD "<ListBucketResult" NS "><Name>b</Name><Prefix/><KeyCount>2</KeyCount>"
             "<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
             "<Contents><Key>d%3D1/a+b%2Bc</Key><ETag>&quot;x&quot;</ETag><Size>0</Size>"
             "<Owner><ID>Key</ID></Owner></Contents>"
             "<Contents><Key>z</Key><Size>5368709120</Size></Contents>"
             "<NextContinuationToken>t/o+k=</NextContinuationToken></ListBucketResult>";
    struct s3_wire_list list;
    struct error err = ERROR_INIT;
    assert_int_equal(s3_wire_list_parse(xml, strlen(xml), &list, &err), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.objects[0].key, "d=1/a b+c");
    assert_int_equal(list.objects[0].size, 0);
    assert_string_equal(list.objects[1].key, "z");
    assert_int_equal(list.objects[1].size, UINT64_C(5368709120));
    assert_true(list.truncated);
    assert_string_equal(list.token, "t/o+k=");
    s3_wire_list_release(&list);
}

static void keys_are_left_alone_where_the_server_did_not_encode_them(void **state)
{
    (void)state;
    const char *xml =
        "<ListBucketResult><Contents><Key>a+b%20c&amp;d</Key><Size>1</Size></Contents>"
        "<IsTruncated>false</IsTruncated></ListBucketResult>";
    struct s3_wire_list list;
    assert_int_equal(s3_wire_list_parse(xml, strlen(xml), &list, NULL), ERR_OK);
    assert_string_equal(list.objects[0].key, "a+b%20c&d");
    assert_false(list.truncated);
    s3_wire_list_release(&list);
}

static void a_listing_that_is_none_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {
        "",
        "nonsense",
        "<html><body>busy</body></html>",
        "<ListBucketResult><Contents><Key>a</Key><Size>1</Size></Contents>",
        "<ListBucketResult><Contents><Key>a</Key><Size>-1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Size>1</Size></Contents></ListBucketResult>",
        "<ListBucketResult><Contents><Key>a</Key><Size>99999999999999999999999</Size></Contents>"
        "</ListBucketResult>",
        /* More to come, and no way to ask for it: taking it for the end would hide objects. */
        "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>",
        "<!DOCTYPE x [<!ENTITY e \"eeee\">]><ListBucketResult>&e;</ListBucketResult>",
        "<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q/></p></o></n></m></l></k></j></i></h>"
        "</g></f></e></d></c></b></a>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct s3_wire_list list;
        struct error err = ERROR_INIT;
        if (s3_wire_list_parse(bad[i], strlen(bad[i]), &list, &err) != ERR_AGAIN)
            fail_msg("accepted: %s", bad[i]);
        assert_null(list.objects);
    }
}

static void unfinished_uploads_are_read(void **state)
{
    (void)state;
    const char *xml = HEAD
        "<ListMultipartUploadsResult" NS "><Bucket>b</Bucket><KeyMarker/>"
        "<NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>2~x</NextUploadIdMarker>"
        "<IsTruncated>true</IsTruncated><Upload><Key>k</Key><UploadId>2~x</UploadId>"
        "<Initiated>2026-01-01T00:00:00.000Z</Initiated></Upload></ListMultipartUploadsResult>";
    struct s3_wire_uploads uploads;
    assert_int_equal(s3_wire_uploads_parse(xml, strlen(xml), &uploads, NULL), ERR_OK);
    assert_int_equal(uploads.count, 1);
    assert_string_equal(uploads.uploads[0].key, "k");
    assert_string_equal(uploads.uploads[0].id, "2~x");
    assert_string_equal(uploads.next_id, "2~x");
    s3_wire_uploads_release(&uploads);
}

static void failures_of_a_batch_deletion_are_read(void **state)
{
    (void)state;
    const char *xml = HEAD "<DeleteResult" NS "><Deleted><Key>a</Key></Deleted><Error><Key>b</Key>"
                           "<Code>InternalError</Code><Message>We failed</Message></Error>"
                           "<Error><Key>c</Key><Code>AccessDenied</Code></Error></DeleteResult>";
    struct s3_wire_deleted deleted;
    assert_int_equal(s3_wire_deleted_parse(xml, strlen(xml), &deleted, NULL), ERR_OK);
    assert_int_equal(deleted.count, 2);
    assert_string_equal(deleted.failures[0].key, "b");
    assert_string_equal(deleted.failures[0].error.code, "InternalError");
    assert_string_equal(deleted.failures[0].error.message, "We failed");
    assert_string_equal(deleted.failures[1].error.code, "AccessDenied");
    assert_string_equal(deleted.failures[1].error.message, "");
    s3_wire_deleted_release(&deleted);
}

static void error_documents_are_read_and_cleaned(void **state)
{
    (void)state;
    struct s3_wire_error e;
    const char *s3 = HEAD "<Error><Code>AuthorizationHeaderMalformed</Code><Message>bad\x1b"
                          "</Message></Error>";
    s3_wire_error_parse(s3, strlen(s3), &e); /* an escape character is no XML */
    assert_string_equal(e.code, "");
    s3 =
        HEAD "<Error><Code>AuthorizationHeaderMalformed</Code><Message>bad\xc3\xa9 &#10;x</Message>"
             "<Region>eu-west-1</Region></Error>";
    s3_wire_error_parse(s3, strlen(s3), &e);
    assert_string_equal(e.code, "AuthorizationHeaderMalformed");
    assert_string_equal(e.message, "bad?? ?x");
    assert_string_equal(e.region, "eu-west-1");
    const char *sts = "<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredTokenException</Code>"
                      "</Error><RequestId>1</RequestId></ErrorResponse>";
    s3_wire_error_parse(sts, strlen(sts), &e);
    assert_string_equal(e.code, "ExpiredTokenException");
    const char *other = "<CompleteMultipartUploadResult><Code>x</Code>"
                        "</CompleteMultipartUploadResult>";
    s3_wire_error_parse(other, strlen(other), &e);
    assert_string_equal(e.code, "");
}

static void answers_mean_what_the_protocol_says(void **state)
{
    (void)state;
    static const struct {
        enum s3_op op;
        long status;
        const char *code;
        int expected;
    } rows[] = {
        {S3_OP_GET, 200, "", ERR_OK},
        {S3_OP_GET, 206, "", ERR_OK},
        {S3_OP_GET, 404, "NoSuchKey", ERR_ABSENT},
        {S3_OP_GET, 404, "NoSuchBucket", ERR_CONFIG},
        {S3_OP_GET, 403, "AccessDenied", ERR_DENIED},
        {S3_OP_GET, 403, "RequestTimeTooSkewed", ERR_AGAIN},
        {S3_OP_GET, 400, "ExpiredToken", ERR_AGAIN},
        {S3_OP_GET, 301, "PermanentRedirect", ERR_CONFIG},
        {S3_OP_GET, 400, "AuthorizationHeaderMalformed", ERR_CONFIG},
        {S3_OP_GET, 429, "TooManyRequests", ERR_AGAIN},
        {S3_OP_GET, 500, "InternalError", ERR_AGAIN},
        {S3_OP_GET, 503, "SlowDown", ERR_AGAIN},
        {S3_OP_HEAD, 404, "", ERR_ABSENT},
        {S3_OP_LIST, 503, "SlowDown", ERR_AGAIN},
        /* Conditional writes: what is certain, and what is not. */
        {S3_OP_CREATE, 200, "", ERR_OK},
        {S3_OP_CREATE, 412, "PreconditionFailed", ERR_CONFLICT},
        {S3_OP_CREATE, 409, "ConditionalRequestConflict", ERR_AGAIN},
        {S3_OP_CREATE, 500, "InternalError", ERR_UNKNOWN},
        {S3_OP_CREATE, 502, "", ERR_UNKNOWN},
        {S3_OP_CREATE, 503, "SlowDown", ERR_UNKNOWN},
        {S3_OP_CREATE, 504, "", ERR_UNKNOWN},
        {S3_OP_CREATE, 408, "", ERR_UNKNOWN},
        {S3_OP_CREATE, 400, "RequestTimeout", ERR_AGAIN},
        {S3_OP_CREATE, 400, "XAmzContentSHA256Mismatch", ERR_AGAIN},
        {S3_OP_CREATE, 429, "", ERR_AGAIN},
        {S3_OP_CREATE, 501, "NotImplemented", ERR_GATE},
        {S3_OP_CREATE, 400, "InvalidArgument", ERR_DENIED},
        {S3_OP_REPLACE, 412, "PreconditionFailed", ERR_CONFLICT},
        {S3_OP_REPLACE, 404, "NoSuchKey", ERR_CONFLICT},
        {S3_OP_REPLACE, 404, "", ERR_CONFLICT},
        {S3_OP_REPLACE, 404, "NoSuchBucket", ERR_CONFIG},
        {S3_OP_REPLACE, 409, "", ERR_AGAIN},
        {S3_OP_REPLACE, 500, "", ERR_UNKNOWN},
        /* 200 with an error in the body is that error. */
        {S3_OP_COMPLETE, 200, "InternalError", ERR_UNKNOWN},
        {S3_OP_COMPLETE, 200, "PreconditionFailed", ERR_CONFLICT},
        {S3_OP_COMPLETE, 404, "NoSuchUpload", ERR_UNKNOWN},
        {S3_OP_COMPLETE, 409, "ConditionalRequestConflict", ERR_AGAIN},
        {S3_OP_COPY, 200, "InternalError", ERR_UNKNOWN},
        {S3_OP_COPY, 412, "PreconditionFailed", ERR_CONFLICT},
        {S3_OP_COPY, 404, "NoSuchKey", ERR_ABSENT},
        /* Parts are seen by nobody: a failure is a failure. */
        {S3_OP_PART, 500, "", ERR_AGAIN},
        {S3_OP_DELETE, 204, "", ERR_OK},
        {S3_OP_DELETE, 404, "NoSuchKey", ERR_OK},
        {S3_OP_DELETE, 404, "NoSuchBucket", ERR_CONFIG},
        {S3_OP_DELETE, 500, "", ERR_UNKNOWN},
        {S3_OP_DELETE_MANY, 503, "SlowDown", ERR_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int code = s3_wire_classify(rows[i].op, rows[i].status, rows[i].code);
        if (code != rows[i].expected)
            fail_msg("row %zu: operation %d, %ld %s gave %s, expected %s", i, (int)rows[i].op,
                     rows[i].status, rows[i].code, error_name(code), error_name(rows[i].expected));
    }
}

static void silence_is_unknown_only_where_something_may_have_changed(void **state)
{
    (void)state;
    assert_int_equal(s3_wire_classify_silence(S3_OP_CREATE, true), ERR_UNKNOWN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_CREATE, false), ERR_AGAIN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_REPLACE, true), ERR_UNKNOWN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_COMPLETE, true), ERR_UNKNOWN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_COPY, true), ERR_UNKNOWN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_DELETE, true), ERR_UNKNOWN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_PART, true), ERR_AGAIN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_GET, true), ERR_AGAIN);
    assert_int_equal(s3_wire_classify_silence(S3_OP_LIST, true), ERR_AGAIN);
}

static void tags_are_kept_without_quotes(void **state)
{
    (void)state;
    char tag[16];
    assert_true(s3_wire_tag("\"abc\"", tag, sizeof tag));
    assert_string_equal(tag, "abc");
    assert_true(s3_wire_tag("abc-2", tag, sizeof tag));
    assert_string_equal(tag, "abc-2");
    assert_true(s3_wire_tag("W/\"abc\"", tag, sizeof tag));
    assert_string_equal(tag, "abc");
    assert_false(s3_wire_tag("\"\"", tag, sizeof tag));
    assert_false(s3_wire_tag("", tag, sizeof tag));
    assert_false(s3_wire_tag("0123456789abcdef", tag, sizeof tag));
}

static void single_elements_are_found_by_path(void **state)
{
    (void)state;
    const char *xml = "<R" NS "><A><Id>1</Id></A><B><Id>2</Id></B><Empty/></R>";
    char *text = NULL;
    assert_int_equal(xml_text(xml, strlen(xml), "B/Id", &text, NULL), ERR_OK);
    assert_string_equal(text, "2");
    free(text);
    struct error err = ERROR_INIT;
    assert_int_equal(xml_text(xml, strlen(xml), "C/Id", &text, &err), ERR_DAMAGED);
    assert_null(text);
    assert_int_equal(xml_text(xml, strlen(xml), "Empty", &text, &err), ERR_DAMAGED);
    assert_int_equal(xml_text(xml, strlen(xml) - 1, "B/Id", &text, &err), ERR_DAMAGED);
}

static void text_is_escaped(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 100);
    xml_escape("a<b>&'\"c", &s);
    assert_string_equal(s.data, "a&lt;b&gt;&amp;&apos;&quot;c");
    str_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_of_a_listing_is_read),
        cmocka_unit_test(keys_are_left_alone_where_the_server_did_not_encode_them),
        cmocka_unit_test(a_listing_that_is_none_is_refused),
        cmocka_unit_test(unfinished_uploads_are_read),
        cmocka_unit_test(failures_of_a_batch_deletion_are_read),
        cmocka_unit_test(error_documents_are_read_and_cleaned),
        cmocka_unit_test(answers_mean_what_the_protocol_says),
        cmocka_unit_test(silence_is_unknown_only_where_something_may_have_changed),
        cmocka_unit_test(tags_are_kept_without_quotes),
        cmocka_unit_test(single_elements_are_found_by_path),
        cmocka_unit_test(text_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
