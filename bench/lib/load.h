/* What the load generators share: the CPU time of the server under load, random numbers from a
 * seed, and the one line of result that tools/bench.py reads. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* CPU time of all threads of a process so far, in ns (/proc/PID/task/TID/schedstat). Ends the
 * program with a message when there is no such process. pid 0: returns 0. */
uint64_t load_cpu_ns(pid_t pid);

uint64_t load_now_ns(void); /* monotonic */

struct load_random {
    uint64_t state;
};
uint64_t load_random_next(struct load_random *r); /* splitmix64 */
/* Below n, n > 0. */
uint32_t load_random_below(struct load_random *r, uint32_t n);

/* Zipf with exponent 1 over n ranks, by a table: cumulative[n]. */
struct load_zipf {
    double *cumulative;
    uint32_t n;
};
void load_zipf_init(struct load_zipf *z, uint32_t n);
void load_zipf_fini(struct load_zipf *z);
uint32_t load_zipf_next(const struct load_zipf *z, struct load_random *r);

struct load_result {
    uint64_t answers; /* right ones */
    uint64_t bad;     /* answered, but wrong */
    uint64_t lost;    /* not answered */
    uint64_t cpu_ns;  /* of the server, while they were answered */
    uint64_t wall_ns;
};
/* One line of JSON. Returns the exit code: 1 when an answer was wrong, or none was right. */
int load_result_print(const struct load_result *r);

/* How many questions may have been asked by now at this rate a second; 0 is no limit. */
uint64_t load_allowed(uint64_t rate, uint64_t start_ns);

/* "127.0.0.1:80"; IPv4 only, for the benchmarks. Ends the program with a message when it is not. */
struct sockaddr_in load_address(const char *text);

/* Ends the program with a message and errno's text. */
void load_die(const char *what) __attribute__((noreturn));

/* The value of "--name value" in argv, or fallback. */
const char *load_option(int argc, char **argv, const char *name, const char *fallback);
uint64_t load_option_number(int argc, char **argv, const char *name, uint64_t fallback);

/* A file whole, NUL terminated, for the caller to free; ends the program when it cannot be read. */
char *load_file(const char *path, size_t *size);
