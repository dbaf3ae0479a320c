# Every target gets its flags through this one interface library.
add_library(wm_flags INTERFACE)
target_compile_definitions(wm_flags INTERFACE _GNU_SOURCE WAYMARK_VERSION="${PROJECT_VERSION}")
target_compile_options(wm_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wformat=2 -Wundef -Wvla
  -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wimplicit-fallthrough
  -fno-omit-frame-pointer -fno-math-errno)
if(WERROR)
  target_compile_options(wm_flags INTERFACE -Werror)
endif()

# Position independent executables. The rooms are static libraries that end in executables alone, so -fPIE serves
# them too; CMake would compile them with -fPIC, which keeps GCC from inlining exported functions.
target_compile_options(wm_flags INTERFACE -fPIE)
target_link_options(wm_flags INTERFACE -pie)

if(FUZZ)
  # Coverage of all rooms; libFuzzer's own main() is linked into the fuzz targets only (tests/CMakeLists.txt).
  target_compile_options(wm_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(SANITIZE)
  target_compile_options(wm_flags INTERFACE -fsanitize=${SANITIZE} -fno-sanitize-recover=all)
  target_link_options(wm_flags INTERFACE -fsanitize=${SANITIZE})
  target_compile_definitions(wm_flags INTERFACE WAYMARK_SANITIZED=1)
endif()

# Hardening, in the builds that an operator runs (tests/e2e/e2e_hardening.sh looks at the result). The sanitizers
# and fortified libc functions do not mix.
if(NOT SANITIZE AND NOT FUZZ)
  target_compile_options(wm_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero)
  if(CMAKE_BUILD_TYPE MATCHES "Rel")
    target_compile_options(wm_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
  endif()
  target_link_options(wm_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()
# Clang 14 wants this said once more for zero initialisation; GCC does not know the flag.
if(CMAKE_C_COMPILER_ID STREQUAL "Clang" AND CMAKE_C_COMPILER_VERSION VERSION_LESS 16 AND NOT SANITIZE AND NOT FUZZ)
  target_compile_options(wm_flags INTERFACE -enable-trivial-auto-var-init-zero-knowing-it-will-be-removed-from-clang)
endif()
