/* What the control thread does each second: sessions age, contents become hot or cold, a cost
 * calendar's next slot begins, the state is kept. */
#pragma once

#include "daemon/control.h"

/* The timer's callback; arg is the control. */
void control_second(int fd, short what, void *arg);
/* Likewise, for the moment at which a slot of a cost calendar ends. */
void control_slot(int fd, short what, void *arg);

/* Behind the first view, and behind the change of user (the files are that user's): takes over what
 * the process before left, and begins to keep the state. */
enum err_code control_state_start(struct control *c, struct err *e) MUST_CHECK;
/* Once the workers have ended: keeps the last of it. */
void control_state_stop(struct control *c);

/* Builds a view of what is newest and publishes it. On failure everything stays as it was. */
enum err_code control_publish(struct control *c, struct config_hold *hold,
                              struct err *e) MUST_CHECK;
void control_log_problem(const char *event, const struct err *e);
