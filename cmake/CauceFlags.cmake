# Two interface targets that carry every compiler and linker flag of the project:
# cauce_flags for everything we compile, cauce_exe_flags for executables.

include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(cauce_flags INTERFACE)
add_library(cauce_exe_flags INTERFACE)
target_compile_definitions(cauce_flags INTERFACE _GNU_SOURCE)

function(cauce_add_flag_if_known flag)
  string(MAKE_C_IDENTIFIER "CAUCE_HAVE${flag}" known)
  check_c_compiler_flag("${flag}" ${known})
  if(${known})
    target_compile_options(cauce_flags INTERFACE "${flag}")
  endif()
endfunction()

target_compile_options(cauce_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wdouble-promotion
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 -Wundef
  -Wpointer-arith -Wwrite-strings -Wcast-align -Wcast-qual -Wswitch-enum -Wimplicit-fallthrough)
# gcc knows these; clang answers with a warning about the option itself.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
  target_compile_options(cauce_flags INTERFACE -Wlogical-op -Wduplicated-cond -Walloca)
else()
  target_compile_options(cauce_flags INTERFACE -Walloca)
endif()
if(CAUCE_WERROR)
  target_compile_options(cauce_flags INTERFACE -Werror)
endif()

if(CAUCE_FUZZ)
  # The fuzzer steers by what it reaches: in the code under test, not only in the target.
  target_compile_options(cauce_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CAUCE_SANITIZE)
  target_compile_options(cauce_flags INTERFACE
    -fsanitize=${CAUCE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer -O1)
  target_link_options(cauce_flags INTERFACE -fsanitize=${CAUCE_SANITIZE})
  # The sanitizers wrap dlopen(), so the caller the loader sees is their library, and only the old
  # kind of run path, which covers the whole process, finds libduckdb for it.
  target_link_options(cauce_exe_flags INTERFACE LINKER:--disable-new-dtags)
  # AddressSanitizer looks up the C++ runtime's __cxa_throw once, at start; libduckdb, loaded later,
  # could not throw an exception unless that runtime is already there.
  target_link_libraries(cauce_exe_flags INTERFACE
    -Wl,--push-state,--no-as-needed -l:libstdc++.so.6 -Wl,--pop-state)
else()
  target_link_options(cauce_exe_flags INTERFACE LINKER:--enable-new-dtags LINKER:--as-needed)
  # Hardening costs a per cent or two and turns a memory error into a stop.
  cauce_add_flag_if_known(-fstack-protector-strong)
  cauce_add_flag_if_known(-fstack-clash-protection)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|i.86)$")
    cauce_add_flag_if_known(-fcf-protection=full)
  elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
    cauce_add_flag_if_known(-mbranch-protection=standard)
  endif()
  if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # Distributions preset a lower level: undefine it first. It needs optimisation.
    target_compile_options(cauce_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  target_link_options(cauce_exe_flags INTERFACE
    LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
endif()
