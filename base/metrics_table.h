// METRIC(id, type, name, labels, help): grouped by room; entries of one name stand together.

// daemon
METRIC(VIEW_SERIAL, "gauge", "waymark_view_serial", "", "Serial number of the view that is served")
METRIC(VIEW_BUILDS, "counter", "waymark_view_builds_total", "result=\"ok\"",
       "Views built, by result")
METRIC(VIEW_BUILD_ERRORS, "counter", "waymark_view_builds_total", "result=\"error\"",
       "Views built, by result")
METRIC(RELOADS, "counter", "waymark_reloads_total", "result=\"ok\"",
       "Configuration reloads, by result")
METRIC(RELOAD_ERRORS, "counter", "waymark_reloads_total", "result=\"error\"",
       "Configuration reloads, by result")
METRIC(NOTES_DROPPED, "counter", "waymark_access_log_dropped_total", "",
       "Access log lines dropped because the writer was behind")

// router

// http

// dns

// tracker
