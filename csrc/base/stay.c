/* stay.c: keeps this library loaded where lua_close would unload it. */
#include "base/base.h"

#ifdef __APPLE__
#include <dlfcn.h>
#endif

/* Elsewhere the linker says so. Here a reference of the library to itself does. */
void sci_stay_loaded(void) {
#ifdef __APPLE__
    static const char inside;
    Dl_info own;
    if (dladdr(&inside, &own) != 0) (void)dlopen(own.dli_fname, RTLD_NOW | RTLD_NOLOAD);
#endif
}
