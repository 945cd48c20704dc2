#include "engine/literal.h"

#include "engine/sql.h"

void literal_text(struct str *out, const char *expression, struct type type)
{
    if (type.kind == TYPE_TIMESTAMP)
        sql_printf(out, "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", expression);
    else if (type.kind == TYPE_BINARY)
        sql_printf(out, "hex(%s)", expression);
    else
        sql_printf(out, "CAST(%s AS VARCHAR)", expression);
}

void literal_of(struct str *out, const char *text, struct type type)
{
    str_append(out, "CAST(");
    if (text == NULL)
        str_append(out, "NULL");
    else if (type.kind == TYPE_BINARY)
        sql_printf(out, "from_hex(%t)", text);
    else
        sql_text(out, text);
    str_append(out, " AS ");
    sql_type(out, type);
    str_append(out, ")");
}
