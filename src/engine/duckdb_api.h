/*
 * The functions of libduckdb that the engine uses, bound when the first database is opened.
 *
 * Linking libduckdb would cost every start of the program 13 ms, also where nothing is read; so it
 * is loaded with dlopen. Private to the engine: no other folder may include this header.
 */
#ifndef CAUCE_ENGINE_DUCKDB_API_H
#define CAUCE_ENGINE_DUCKDB_API_H

#include <duckdb.h>

#include "util/error.h"

#define DUCKDB_API_FUNCTIONS(X)                    \
    X(aggregate_function_add_parameter)            \
    X(aggregate_function_set_functions)            \
    X(aggregate_function_set_name)                 \
    X(aggregate_function_set_return_type)          \
    X(append_data_chunk)                           \
    X(appender_close)                              \
    X(appender_create)                             \
    X(appender_destroy)                            \
    X(appender_error)                              \
    X(bind_add_result_column)                      \
    X(bind_get_parameter)                          \
    X(bind_int64)                                  \
    X(bind_set_bind_data)                          \
    X(bind_set_error)                              \
    X(close)                                       \
    X(column_count)                                \
    X(column_name)                                 \
    X(column_type)                                 \
    X(connect)                                     \
    X(create_aggregate_function)                   \
    X(create_config)                               \
    X(create_data_chunk)                           \
    X(create_decimal_type)                         \
    X(create_logical_type)                         \
    X(create_scalar_function)                      \
    X(create_table_function)                       \
    X(data_chunk_get_column_count)                 \
    X(data_chunk_get_size)                         \
    X(data_chunk_get_vector)                       \
    X(data_chunk_reset)                            \
    X(data_chunk_set_size)                         \
    X(decimal_internal_type)                       \
    X(decimal_scale)                               \
    X(decimal_width)                               \
    X(destroy_aggregate_function)                  \
    X(destroy_config)                              \
    X(destroy_data_chunk)                          \
    X(destroy_extracted)                           \
    X(destroy_logical_type)                        \
    X(destroy_pending)                             \
    X(destroy_prepare)                             \
    X(destroy_result)                              \
    X(destroy_scalar_function)                     \
    X(destroy_table_function)                      \
    X(destroy_value)                               \
    X(disconnect)                                  \
    X(execute_pending)                             \
    X(extract_statements)                          \
    X(extract_statements_error)                    \
    X(fetch_chunk)                                 \
    X(free)                                        \
    X(from_time_tz)                                \
    X(function_get_bind_data)                      \
    X(function_get_init_data)                      \
    X(function_set_error)                          \
    X(get_type_id)                                 \
    X(get_value_type)                              \
    X(get_varchar)                                 \
    X(init_get_bind_data)                          \
    X(init_get_column_count)                       \
    X(init_get_column_index)                       \
    X(init_get_extra_info)                         \
    X(init_set_error)                              \
    X(init_set_init_data)                          \
    X(interrupt)                                   \
    X(library_version)                             \
    X(nparams)                                     \
    X(open_ext)                                    \
    X(pending_error)                               \
    X(pending_prepared_streaming)                  \
    X(prepare)                                     \
    X(prepare_error)                               \
    X(prepare_extracted_statement)                 \
    X(prepared_statement_column_count)             \
    X(prepared_statement_column_logical_type)      \
    X(prepared_statement_column_name)              \
    X(prepared_statement_type)                     \
    X(query)                                       \
    X(register_aggregate_function)                 \
    X(register_scalar_function)                    \
    X(register_table_function)                     \
    X(result_error)                                \
    X(scalar_function_add_parameter)               \
    X(scalar_function_get_extra_info)              \
    X(scalar_function_set_error)                   \
    X(scalar_function_set_extra_info)              \
    X(scalar_function_set_function)                \
    X(scalar_function_set_name)                    \
    X(scalar_function_set_return_type)             \
    X(scalar_function_set_special_handling)        \
    X(scalar_function_set_varargs)                 \
    X(scalar_function_set_volatile)                \
    X(set_config)                                  \
    X(string_is_inlined)                           \
    X(string_t_data)                               \
    X(string_t_length)                             \
    X(struct_type_child_count)                     \
    X(struct_type_child_name)                      \
    X(struct_type_child_type)                      \
    X(table_function_add_parameter)                \
    X(table_function_set_bind)                     \
    X(table_function_set_extra_info)               \
    X(table_function_set_function)                 \
    X(table_function_set_init)                     \
    X(table_function_set_name)                     \
    X(table_function_supports_projection_pushdown) \
    X(validity_row_is_valid)                       \
    X(validity_set_row_invalid)                    \
    X(vector_assign_string_element_len)            \
    X(vector_ensure_validity_writable)             \
    X(vector_get_column_type)                      \
    X(vector_get_data)                             \
    X(vector_get_validity)

#define DUCKDB_API_SLOT(name) __typeof__(&duckdb_##name) name;
struct duckdb_api {
    DUCKDB_API_FUNCTIONS(DUCKDB_API_SLOT)
};
#undef DUCKDB_API_SLOT

/* The bound functions; valid after duckdb_api_load has succeeded once. */
extern struct duckdb_api duckdb;

/*
 * Load the library: the file named by `path` (NULL: by its soname, found through the program's
 * run path and the system's). ERR_SYSTEM names what was tried. Repeated calls cost nothing.
 * Thread-safe.
 */
MUST_USE int duckdb_api_load(const char *path, struct error *err);

#endif
