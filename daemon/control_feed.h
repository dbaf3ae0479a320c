/* Maps from ALTO servers: what the client brings becomes the view, as files do. */
#pragma once

#include "daemon/alto_source.h"

struct control;

/* Behind the first view. Nothing is done when the configuration names no servers. */
enum err_code control_feed_start(struct control *c, struct err *e) MUST_CHECK;
void control_feed_stop(struct control *c);
