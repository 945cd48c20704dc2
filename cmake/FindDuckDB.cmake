# Finds DuckDB's C header and its shared library, in this order: DUCKDB_ROOT (CMake variable or
# environment), pkg-config, the compiler's own folders, and the copy that scripts/setup fetched.
#
# The library is never linked: the engine opens it with dlopen() when it is first needed, so that
# `cauce status` does not pay for it. Only its folder matters, for the executable's run path.
#
# Result: DuckDB_FOUND, DuckDB_INCLUDE_DIR, DuckDB_LIBRARY (the file), DuckDB_LIBRARY_DIR,
# DuckDB_BUNDLED (the fetched copy: it is installed with the program), and the interface target
# DuckDB::headers.

set(_duckdb_fetched "${CMAKE_CURRENT_LIST_DIR}/../third_party/duckdb")
get_filename_component(_duckdb_fetched "${_duckdb_fetched}" ABSOLUTE)
set(_duckdb_roots ${DUCKDB_ROOT} $ENV{DUCKDB_ROOT})

if(_duckdb_roots)
  # Whoever names a folder means that folder: a wrong one is an error, not a reason to look further.
  find_path(DuckDB_INCLUDE_DIR duckdb.h PATHS ${_duckdb_roots} PATH_SUFFIXES include NO_DEFAULT_PATH)
  find_library(DuckDB_LIBRARY NAMES libduckdb.so duckdb PATHS ${_duckdb_roots}
               PATH_SUFFIXES lib lib64 NO_DEFAULT_PATH)
else()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(_duckdb QUIET duckdb)
  endif()
  find_path(DuckDB_INCLUDE_DIR duckdb.h HINTS ${_duckdb_INCLUDE_DIRS} PATHS "${_duckdb_fetched}")
  find_library(DuckDB_LIBRARY NAMES libduckdb.so duckdb HINTS ${_duckdb_LIBRARY_DIRS}
               PATHS "${_duckdb_fetched}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(DuckDB
  REQUIRED_VARS DuckDB_LIBRARY DuckDB_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Run scripts/setup to fetch it, or set DUCKDB_ROOT to a folder with duckdb.h and libduckdb.so.")

if(DuckDB_FOUND)
  get_filename_component(DuckDB_LIBRARY_DIR "${DuckDB_LIBRARY}" DIRECTORY)
  if(DuckDB_LIBRARY_DIR STREQUAL _duckdb_fetched)
    set(DuckDB_BUNDLED TRUE)
  else()
    set(DuckDB_BUNDLED FALSE)
  endif()
  if(NOT TARGET DuckDB::headers)
    add_library(DuckDB::headers INTERFACE IMPORTED)
    target_include_directories(DuckDB::headers SYSTEM INTERFACE "${DuckDB_INCLUDE_DIR}")
  endif()
endif()
mark_as_advanced(DuckDB_INCLUDE_DIR DuckDB_LIBRARY)
