// What the build put into the plugin: a sequence of numbers and texts, each text after
// its length. It never comes from anywhere else.
#include "engine.h"

#include <stdlib.h>
#include <string.h>

Plugin plugin;

static const uint8_t *next;

static uint32_t read_number(void)
{
    uint32_t number;
    memcpy(&number, next, sizeof number);
    next += sizeof number;
    return number;
}

static const void *read_bytes(size_t *length)
{
    *length = read_number();
    const uint8_t *bytes = next;
    next += *length;
    return bytes;
}

// Reads the plugin that starts at `bytes`, which must stay.
EXPORT void kumiki_plugin(const uint8_t *bytes)
{
    next = bytes;
    plugin.module_count = read_number();
    plugin.modules = allocate(plugin.module_count, sizeof(PluginModule));
    for (uint32_t i = 0; i < plugin.module_count; i++) {
        PluginModule *module = &plugin.modules[i];
        module->name = read_bytes(&module->name_length);
        module->code = read_bytes(&module->code_length);
    }
    plugin.derived_count = read_number();
    plugin.derived = allocate(plugin.derived_count, 2 * sizeof(uint32_t));
    for (uint32_t i = 0; i < 2 * plugin.derived_count; i++)
        plugin.derived[i] = read_number();
    plugin.file_count = read_number();
    plugin.files = allocate(plugin.file_count, sizeof(char *));
    for (uint32_t i = 0; i < plugin.file_count; i++) {
        size_t length;
        const char *name = read_bytes(&length);
        plugin.files[i] = allocate(length + 1, 1);
        memcpy(plugin.files[i], name, length);
    }
    plugin.place_count = read_number();
    plugin.places = allocate(plugin.place_count, sizeof(Place));
    for (uint32_t i = 0; i < plugin.place_count; i++) {
        Place *place = &plugin.places[i];
        place->line = read_number();
        place->column = read_number();
        place->file = read_number();
        place->shift = read_number();
    }
}

const PluginModule *plugin_module(const char *name)
{
    size_t length = strlen(name);
    for (uint32_t i = 0; i < plugin.module_count; i++) {
        const PluginModule *module = &plugin.modules[i];
        if (module->name_length == length && !memcmp(module->name, name, length))
            return module;
    }
    return NULL;
}

int derived_from(size_t batch)
{
    for (uint32_t i = 0; i < plugin.derived_count; i++)
        if (plugin.derived[2 * i] == batch)
            return (int)plugin.derived[2 * i + 1];
    return -1;
}
