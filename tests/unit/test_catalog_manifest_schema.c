#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/manifest_part.h"
#include "unit/manifest_test.h"

static void assert_refused(const char *from, const char *to, const char *message)
{
    struct manifest m;
    struct error err = ERROR_INIT;
    char *text = golden_altered("tests/golden/manifest-1.json", from, to);
    assert_non_null(text);
    int rc = manifest_decode(text, strlen(text), "x", &m, &err);
    if (rc != ERR_DAMAGED || strstr(err.text, message) == NULL)
        fail_msg("%s -> %s: code %d, \"%s\"", from, to, rc, err.text);
    free(text);
}

static void columns_are_checked(void **state)
{
    (void)state;
    assert_refused("\"id\": 1", "\"id\": 0", "id");
    assert_refused("\"id\": 1", "\"id\": 2", "two columns of id 2");
    assert_refused("\"id\": 1", "\"id\": 1000001", "id");
    assert_refused("\"id\": 1", "\"id\": 4294967297", "id");
    assert_refused("\"name\": \"value\"", "\"name\": \"\"", "name");
    assert_refused("\"name\": \"value\"", "\"name\": \"DAY\"", "two columns");
    assert_refused("\"name\": \"value\"", "\"name\": \"_Version\"", "keeps for itself");
    assert_refused("\"name\": \"value\"", "\"name\": \"_ingested_at\"", "keeps for itself");
    assert_refused("\"name\": \"value\"", "\"name\": \"a\\nb\"", "name");
    assert_refused("\"type\": \"text\"", "\"type\": \"none\"", "type");
    assert_refused("\"type\": \"text\"", "\"type\": \"hugeint\"", "type");
    assert_refused("decimal(18,4)", "decimal(39,4)", "type");
    assert_refused("\"nullable\": true", "\"nullable\": 1", "nullable");
    assert_refused("\"constant\": true", "\"constant\": \"yes\"", "constant");
    assert_refused("\"format\": \"%Y", "\"format\": 7, \"x\": \"%Y", "format");
    assert_refused("\"columns\": [", "\"columns\": [], \"x\": [", "columns");
    assert_refused("\"columns\": [", "\"columns\": [null,", "schema.columns[0]");
}

static void a_name_beyond_all_length_is_refused(void **state)
{
    (void)state;
    char name[256 + 1] = "";
    memset(name, 'n', 256);
    char *field = mem_printf("\"name\": \"%s\"", name);
    assert_refused("\"name\": \"value\"", field, "name");
    free(field);
}

static void the_partition_is_checked(void **state)
{
    (void)state;
    assert_refused("\"by\": \"month\"", "\"by\": \"week\"", "week");
    assert_refused("\"column\": \"day\"", "\"column\": \"month\"", "not a column");
    assert_refused("\"column\": \"day\"", "\"column\": \"value\"", "not a date");
    assert_refused("\"column\": \"day\"", "\"column\": null", "column");
    assert_refused("\"revisions\": \"publish\"", "\"revisions\": \"yes\"", "revisions");
}

/* A schema through its stored form and back. */
static void round_trip(const struct schema *s, struct schema *out)
{
    struct error err = ERROR_INIT;
    struct json *text = manifest_schema_encode(s);
    struct json *key = manifest_key_encode(s);
    assert_int_equal(manifest_schema_decode(text, key, out, &err), ERR_OK);
    assert_string_equal(err.text, "");
    json_free(text);
    json_free(key);
}

static void an_uncut_dataset_has_no_partition_column(void **state)
{
    (void)state;
    struct schema s;
    struct schema back;
    sample_schema(&s);
    s.partition_by = PARTITION_NONE;
    s.track_revisions = false;
    struct json *text = manifest_schema_encode(&s);
    assert_true(json_is_null(json_get(json_get(text, "partition"), "column")));
    json_free(text);
    round_trip(&s, &back);
    assert_int_equal(back.partition_by, PARTITION_NONE);
    assert_false(back.track_revisions);
    schema_release(&back);
    schema_release(&s);
}

static void the_order_of_the_key_is_kept(void **state)
{
    (void)state;
    struct schema s;
    struct schema back;
    sample_schema(&s);
    s.key[0] = 1;
    s.key[1] = 0;
    round_trip(&s, &back);
    assert_int_equal(back.key_count, 2);
    assert_int_equal(back.key[0], 1);
    assert_int_equal(back.key[1], 0);
    assert_int_equal(manifest_schema_grown(&s, &back, NULL), ERR_OK);
    schema_release(&back);
    schema_release(&s);
}

static void what_a_transform_sees_is_stored_and_may_only_grow(void **state)
{
    (void)state;
    struct schema s;
    struct schema back;
    sample_schema(&s);
    schema_source_add(&s.source, "Day", (struct type){.kind = TYPE_DATE}, "%d/%m/%Y");
    round_trip(&s, &back);
    assert_int_equal(back.source.count, 1);
    assert_true(schema_source_same(&s.source, &back.source, 1));
    schema_source_add(&back.source, "n", (struct type){.kind = TYPE_BIGINT}, NULL);
    assert_int_equal(manifest_schema_grown(&s, &back, NULL), ERR_OK);
    assert_int_equal(manifest_schema_grown(&back, &s, NULL), ERR_DAMAGED);
    back.source.columns[0].type.kind = TYPE_TEXT;
    assert_int_equal(manifest_schema_grown(&s, &back, NULL), ERR_DAMAGED);
    schema_source_release(&back.source); /* as a program that does not know it writes */
    assert_int_equal(manifest_schema_grown(&s, &back, NULL), ERR_OK);
    schema_release(&back);
    schema_release(&s);
}

static void the_columns_of_the_source_are_checked(void **state)
{
    (void)state;
    static const char at[] = "\"revisions\": \"publish\"";
    assert_refused(at, "\"revisions\": \"publish\", \"source\": []", "source");
    assert_refused(at, "\"revisions\": \"publish\", \"source\": [{\"name\": \"a\"}]", "type");
    assert_refused(at,
                   "\"revisions\": \"publish\", \"source\": [{\"name\": \"a\", \"type\": \"int\"}, "
                   "{\"name\": \"a\", \"type\": \"int\"}]",
                   "two columns");
    assert_refused(
        at, "\"revisions\": \"publish\", \"source\": [{\"name\": \"a\", \"type\": \"hugeint\"}]",
        "not a type");
}

static void add_column(struct schema *s, const char *name, bool nullable)
{
    s->columns = mem_resize(s->columns, s->count + 1, sizeof *s->columns);
    s->columns[s->count] = (struct schema_column){.name = mem_strdup(name),
                                                  .id = (uint32_t)s->count + 1,
                                                  .type = {.kind = TYPE_BIGINT},
                                                  .nullable = nullable};
    s->count++;
}

static void a_schema_may_grow_by_nullable_columns_alone(void **state)
{
    (void)state;
    struct schema parent;
    struct schema child;
    sample_schema(&parent);
    schema_copy(&parent, &child);
    add_column(&child, "note", true);
    assert_int_equal(manifest_schema_grown(&parent, &child, NULL), ERR_OK);
    assert_int_equal(manifest_schema_grown(&child, &parent, NULL), ERR_DAMAGED);
    add_column(&child, "strict", false);
    assert_int_equal(manifest_schema_grown(&parent, &child, NULL), ERR_DAMAGED);
    schema_release(&child);
    schema_release(&parent);
}

typedef void spoil(struct schema *s);

static void spoil_name(struct schema *s)
{
    s->columns[2].name[0] = 'V';
}
static void spoil_id(struct schema *s)
{
    s->columns[2].id = 9;
}
static void spoil_type(struct schema *s)
{
    s->columns[2].type.scale = 3;
}
static void spoil_nullable(struct schema *s)
{
    s->columns[0].nullable = true;
}
static void spoil_constant(struct schema *s)
{
    s->columns[3].constant = false;
}
static void spoil_format(struct schema *s)
{
    free(s->columns[1].format);
    s->columns[1].format = NULL;
}
static void spoil_key_order(struct schema *s)
{
    s->key[0] = 1;
    s->key[1] = 0;
}
static void spoil_key_count(struct schema *s)
{
    s->key_count = 1;
}
static void spoil_partition(struct schema *s)
{
    s->partition_by = PARTITION_DAY;
}
static void spoil_partition_column(struct schema *s)
{
    s->partition_column = 0;
}
static void spoil_revisions(struct schema *s)
{
    s->track_revisions = false;
}

static void nothing_that_was_published_may_change(void **state)
{
    (void)state;
    static spoil *const spoils[] = {
        spoil_name,
        spoil_id,
        spoil_type,
        spoil_nullable,
        spoil_constant,
        spoil_format,
        spoil_key_order,
        spoil_key_count,
        spoil_partition,
        spoil_revisions,
        spoil_partition_column,
    };
    for (size_t i = 0; i < sizeof spoils / sizeof *spoils; i++) {
        struct schema parent;
        struct schema child;
        sample_schema(&parent);
        sample_schema(&child);
        assert_int_equal(manifest_schema_grown(&parent, &child, NULL), ERR_OK);
        spoils[i](&child);
        assert_int_equal(manifest_schema_grown(&parent, &child, NULL), ERR_DAMAGED);
        schema_release(&child);
        schema_release(&parent);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_checked),
        cmocka_unit_test(a_name_beyond_all_length_is_refused),
        cmocka_unit_test(the_partition_is_checked),
        cmocka_unit_test(an_uncut_dataset_has_no_partition_column),
        cmocka_unit_test(the_order_of_the_key_is_kept),
        cmocka_unit_test(what_a_transform_sees_is_stored_and_may_only_grow),
        cmocka_unit_test(the_columns_of_the_source_are_checked),
        cmocka_unit_test(a_schema_may_grow_by_nullable_columns_alone),
        cmocka_unit_test(nothing_that_was_published_may_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
