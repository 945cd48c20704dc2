/* A folder of its own for a test that needs files. */
#ifndef CAUCE_TESTS_TEMP_FOLDER_H
#define CAUCE_TESTS_TEMP_FOLDER_H

/* A new empty folder below TMPDIR (or /tmp), as a new string. Aborts where there cannot be one. */
char *temp_folder_new(void);

/* Remove it with all below it, and free the string. */
void temp_folder_free(char *path);

#endif
