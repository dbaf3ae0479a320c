#include "bench/lib/load.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void load_die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

uint64_t load_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t load_allowed(uint64_t rate, uint64_t start_ns)
{
    return rate ? rate * ((load_now_ns() - start_ns) / 1000) / 1000000 + 1 : UINT64_MAX;
}

uint64_t load_cpu_ns(pid_t pid)
{
    char path[320];
    uint64_t sum = 0;
    DIR *dir;

    if (pid == 0)
        return 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    dir = opendir(path);
    if (!dir)
        load_die(path);
    for (struct dirent *d; (d = readdir(dir));) {
        uint64_t ns = 0;
        FILE *f;

        if (d->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s/schedstat", (int)pid, d->d_name);
        f = fopen(path, "r");
        if (f && fscanf(f, "%" SCNu64, &ns) == 1)
            sum += ns;
        if (f)
            fclose(f);
    }
    closedir(dir);
    return sum;
}

uint64_t load_random_next(struct load_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint32_t load_random_below(struct load_random *r, uint32_t n)
{
    return (uint32_t)((load_random_next(r) >> 32) * n >> 32);
}

void load_zipf_init(struct load_zipf *z, uint32_t n)
{
    double sum = 0;

    z->n = n;
    z->cumulative = malloc(n * sizeof *z->cumulative);
    if (!z->cumulative)
        load_die("zipf");
    for (uint32_t i = 0; i < n; i++)
        z->cumulative[i] = sum += 1.0 / (i + 1);
}

void load_zipf_fini(struct load_zipf *z)
{
    free(z->cumulative);
    z->cumulative = NULL;
}

uint32_t load_zipf_next(const struct load_zipf *z, struct load_random *r)
{
    double u = (double)(load_random_next(r) >> 11) * 0x1p-53 * z->cumulative[z->n - 1];
    uint32_t lo = 0, hi = z->n - 1;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (z->cumulative[mid] < u)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int load_result_print(const struct load_result *r)
{
    double answered = (double)(r->answers + r->bad);

    printf("{\"answers\":%" PRIu64 ",\"bad\":%" PRIu64 ",\"lost\":%" PRIu64
           ",\"cpu_us\":%.4f,\"per_second\":%.0f}\n",
           r->answers, r->bad, r->lost, answered > 0 ? (double)r->cpu_ns / 1e3 / answered : 0.0,
           r->wall_ns ? answered * 1e9 / (double)r->wall_ns : 0.0);
    return r->bad > 0 || r->answers == 0;
}

struct sockaddr_in load_address(const char *text)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char host[64];
    const char *colon = strchr(text, ':');
    unsigned long port = colon ? strtoul(colon + 1, NULL, 10) : 0;

    if (!colon || (size_t)(colon - text) >= sizeof host || port == 0 || port > UINT16_MAX) {
        fprintf(stderr, "%s: not an IPv4 address with a port, like 127.0.0.1:8080\n", text);
        exit(2);
    }
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    if (inet_pton(AF_INET, host, &a.sin_addr) != 1) {
        fprintf(stderr, "%s: not an IPv4 address\n", host);
        exit(2);
    }
    a.sin_port = htons((uint16_t)port);
    return a;
}

const char *load_option(int argc, char **argv, const char *name, const char *fallback)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    return fallback;
}

uint64_t load_option_number(int argc, char **argv, const char *name, uint64_t fallback)
{
    const char *text = load_option(argc, argv, name, NULL);
    char *end = NULL;
    uint64_t value;

    if (!text)
        return fallback;
    value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0') {
        fprintf(stderr, "--%s %s: not a number\n", name, text);
        exit(2);
    }
    return value;
}

char *load_file(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    char *text = NULL;
    long n = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        n = ftell(f);
    if (n < 0 || fseek(f, 0, SEEK_SET) != 0 || !(text = malloc((size_t)n + 1)) ||
        fread(text, 1, (size_t)n, f) != (size_t)n)
        load_die(path);
    fclose(f);
    text[n] = '\0';
    if (size)
        *size = (size_t)n;
    return text;
}
