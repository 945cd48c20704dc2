/* The fault proxy (fault_proxy.py) in front of a server, for one test. */
#ifndef CAUCE_TESTS_FAULT_PROXY_H
#define CAUCE_TESTS_FAULT_PROXY_H

#include <stddef.h>

struct fault_proxy;

/* Start it before `endpoint` ("http://host:port"); NULL where there is no python3. */
struct fault_proxy *fault_proxy_new(const char *endpoint);
void fault_proxy_free(struct fault_proxy *proxy); /* NULL allowed */

/* "http://127.0.0.1:PORT", owned by the proxy. */
const char *fault_proxy_url(const struct fault_proxy *proxy);

/* Set the rules: JSON as fault_proxy.py describes it. Aborts where they are not accepted. */
void fault_proxy_rules(struct fault_proxy *proxy, const char *json);

/* Requests since the rules were set that met a fault. */
size_t fault_proxy_fired(struct fault_proxy *proxy);

/* Wait until every request that was held back ("late") has been answered by the server. */
void fault_proxy_settle(struct fault_proxy *proxy);

#endif
