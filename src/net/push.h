/*
 * Send a text of metrics to a Prometheus Pushgateway
 * (https://github.com/prometheus/pushgateway#url). Thread-safe.
 */
#ifndef CAUCE_NET_PUSH_H
#define CAUCE_NET_PUSH_H

#include <stddef.h>

#include "util/error.h"

/*
 * Replace the group job="cauce", dataset=`dataset` of the gateway at `url` (http or https). Sent
 * once, without retries: the next run sends newer figures. ERR_AGAIN: it could not be reached or
 * refused; ERR_CONFIG: not the URL of a gateway, or one with a user, a password, "?" or "#" in it.
 */
MUST_USE int push_metrics(const char *url, const char *dataset, const char *text, size_t size,
                          struct error *err);

#endif
