#include "net/aws/lookup.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"

char *aws_lookup_copy(const struct aws_lookup *lookup, const char *name)
{
    const char *value = NULL;
    if (strcmp(name, "AWS_PROFILE") == 0)
        value = lookup->profile;
    else if (strcmp(name, "AWS_REGION") == 0)
        value = lookup->region;
    if (value == NULL && lookup->get != NULL)
        value = lookup->get(lookup->ctx, name);
    return value != NULL && value[0] != '\0' ? mem_strdup(value) : NULL;
}

bool aws_lookup_flag(const struct aws_lookup *lookup, const char *name)
{
    char *value = aws_lookup_copy(lookup, name);
    bool set = value != NULL && (strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 ||
                                 strcasecmp(value, "yes") == 0);
    free(value);
    return set;
}

int aws_lookup_number(const struct aws_lookup *lookup, const char *name, uint64_t least,
                      uint64_t most, uint64_t fallback, uint64_t *out, struct error *err)
{
    char *value = aws_lookup_copy(lookup, name);
    *out = fallback;
    if (value == NULL)
        return ERR_OK;
    uint64_t number = 0;
    bool good = true;
    for (const char *p = value; *p != '\0' && good; p++) {
        good = *p >= '0' && *p <= '9' && number <= most;
        number = number * 10 + (uint64_t)(*p - '0');
    }
    int rc = ERR_OK;
    if (good && number >= least && number <= most)
        *out = number;
    else
        rc = error_set(err, ERR_CONFIG,
                       "The setting %s is \"%s\"; it must be a whole number from %llu to %llu.",
                       name, value, (unsigned long long)least, (unsigned long long)most);
    free(value);
    return rc;
}
