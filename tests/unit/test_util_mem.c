#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/mem.h"

static void sizes_of_zero_give_memory_to_free(void **state)
{
    (void)state;
    void *a = mem_alloc(0);
    void *b = mem_calloc(0, 8);
    void *c = mem_resize(NULL, 0, 8);
    assert_non_null(a);
    assert_non_null(b);
    assert_non_null(c);
    free(a);
    free(b);
    free(c);
}

static void calloc_gives_zeros(void **state)
{
    (void)state;
    unsigned char *p = mem_calloc(100, 3);
    for (size_t i = 0; i < 300; i++)
        assert_int_equal(p[i], 0);
    free(p);
}

static void strings_are_copied(void **state)
{
    (void)state;
    const char *text = "delta";
    char *copy = mem_strdup(text);
    assert_string_equal(copy, text);
    assert_ptr_not_equal(copy, text);
    free(copy);
    assert_null(mem_strdup(NULL));
    copy = mem_strndup("delta force", 5);
    assert_string_equal(copy, "delta");
    free(copy);
    copy = mem_strndup("", 0);
    assert_string_equal(copy, "");
    free(copy);
    copy = mem_printf("%s-%d", "part", 7);
    assert_string_equal(copy, "part-7");
    free(copy);
}

static void resize_keeps_the_content(void **state)
{
    (void)state;
    int *p = mem_resize(NULL, 4, sizeof *p);
    for (int i = 0; i < 4; i++)
        p[i] = i;
    p = mem_resize(p, 4000, sizeof *p);
    for (int i = 0; i < 4; i++)
        assert_int_equal(p[i], i);
    free(p);
}

static void a_growing_array_keeps_its_elements(void **state)
{
    (void)state;
    size_t *list = NULL;
    size_t capacity = 0;
    size_t moves = 0;
    for (size_t i = 0; i < 5000; i++) {
        size_t before = capacity;
        list = mem_grow(list, i, &capacity, sizeof *list);
        moves += capacity != before;
        assert_true(capacity > i);
        list[i] = i * i;
    }
    for (size_t i = 0; i < 5000; i++)
        assert_int_equal(list[i], i * i);
    assert_true(moves < 15);
    free(list);
}

/* What a child that calls `work` says on stderr before it is aborted. */
static void assert_aborts(void (*work)(void), const char *expected)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        work();
        _exit(0);
    }
    close(ends[1]);
    char text[512] = "";
    size_t used = 0;
    ssize_t n;
    while (used < sizeof text - 1 && (n = read(ends[0], text + used, sizeof text - 1 - used)) > 0)
        used += (size_t)n;
    text[used] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, expected));
}

static void resize_too_far(void)
{
    free(mem_resize(NULL, SIZE_MAX / 2, 3));
}

static void grow_too_far(void)
{
    size_t capacity = SIZE_MAX / 2 + 1;
    free(mem_grow(NULL, capacity, &capacity, 1));
}

static void an_overflow_stops_the_program_with_a_message(void **state)
{
    (void)state;
    assert_aborts(resize_too_far, "out of memory");
    assert_aborts(grow_too_far, "out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_of_zero_give_memory_to_free),
        cmocka_unit_test(calloc_gives_zeros),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(resize_keeps_the_content),
        cmocka_unit_test(a_growing_array_keeps_its_elements),
        cmocka_unit_test(an_overflow_stops_the_program_with_a_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
