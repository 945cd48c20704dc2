# cauce_layer(NAME [USES layer...] [THIRD_PARTY target...] [EXCLUDE file...])
#
# One static library cauce_NAME from src/NAME/*.c and the folders below it, which links PUBLIC against the layers below it.
# A static library never complains of a symbol that some other layer happens to bring, so each layer
# is also linked, whole, into a shared object with exactly the layers it may use and no undefined
# symbol allowed: an arrow that points up or sideways fails there, by the name of the symbol.

function(cauce_layer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "USES;THIRD_PARTY;EXCLUDE")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/src/${name}/*.c")
  foreach(file IN LISTS arg_EXCLUDE)
    list(REMOVE_ITEM sources "${PROJECT_SOURCE_DIR}/src/${name}/${file}")
  endforeach()
  list(TRANSFORM arg_USES PREPEND cauce_)

  if(NOT sources)
    add_library(cauce_${name} INTERFACE)
    target_include_directories(cauce_${name} INTERFACE "${PROJECT_SOURCE_DIR}/src")
    target_link_libraries(cauce_${name} INTERFACE ${arg_USES} ${arg_THIRD_PARTY})
    return()
  endif()

  add_library(cauce_${name} STATIC ${sources})
  target_include_directories(cauce_${name} PUBLIC "${PROJECT_SOURCE_DIR}/src")
  target_compile_definitions(cauce_${name} PRIVATE CAUCE_VERSION="${PROJECT_VERSION}")
  target_link_libraries(cauce_${name} PUBLIC ${arg_USES} PRIVATE ${arg_THIRD_PARTY} cauce_flags)

  if(NOT CAUCE_SANITIZE)
    file(WRITE "${PROJECT_BINARY_DIR}/arrows/empty.c.in" "typedef int arrow_empty;\n")
    file(COPY_FILE "${PROJECT_BINARY_DIR}/arrows/empty.c.in"
         "${PROJECT_BINARY_DIR}/arrows/empty.c" ONLY_IF_DIFFERENT)
    add_library(arrow_${name} MODULE "${PROJECT_BINARY_DIR}/arrows/empty.c")
    target_link_libraries(arrow_${name} PRIVATE
      "$<LINK_LIBRARY:WHOLE_ARCHIVE,cauce_${name}>" ${arg_USES} ${arg_THIRD_PARTY})
    target_link_options(arrow_${name} PRIVATE LINKER:-z,defs)
    set_target_properties(arrow_${name} PROPERTIES
      LIBRARY_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/arrows")
  endif()
endfunction()
