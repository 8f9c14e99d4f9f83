/* name.c: names compared without regard to the case of ASCII letters. */
#include "base/base.h"

#include <string.h>

#define LONGEST 128 /* letters of a name that is compared letter by letter */

char sci_lower_case(char letter) { return letter >= 'A' && letter <= 'Z' ? (char)(letter - 'A' + 'a') : letter; }

bool sci_same_name(const char *a, const char *b) {
    while (*a && sci_lower_case(*a) == sci_lower_case(*b)) a++, b++;
    return sci_lower_case(*a) == sci_lower_case(*b);
}

static bool same(char a, char b) { return sci_lower_case(a) == sci_lower_case(b); }

static int least(int a, int b) { return a < b ? a : b; }

/* The distance of Damerau and Levenshtein, row by row. */
int sci_name_distance(const char *from, const char *to) {
    int rows[3][LONGEST + 1], *before = rows[0], *above = rows[1], *here = rows[2];
    int height = (int)strnlen(from, LONGEST + 1), width = (int)strnlen(to, LONGEST + 1);
    if (height > LONGEST || width > LONGEST) return LONGEST;
    for (int j = 0; j <= width; j++) above[j] = j;
    for (int i = 1; i <= height; i++) {
        here[0] = i;
        for (int j = 1; j <= width; j++) {
            here[j] = least(above[j - 1] + !same(from[i - 1], to[j - 1]), least(above[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && same(from[i - 1], to[j - 2]) && same(from[i - 2], to[j - 1]))
                here[j] = least(here[j], before[j - 2] + 1);
        }
        int *free = before;
        before = above;
        above = here;
        here = free;
    }
    return above[width];
}

int sci_measure_names(lua_State *L) {
    lua_pushinteger(L, sci_name_distance(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
    return 1;
}
