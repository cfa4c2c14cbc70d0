# SPDX-License-Identifier: GPL-2.0-or-later
# The core alone, without configure: make -C core -f quick.mk O=/some/folder
core = .
O ?= /tmp/diptych-core-build
include flags.mk
include sources.mk
objects = $(addprefix $(O)/, $(addsuffix .o, $(basename $(CORE_SOURCES))))
$(O)/diptych-core: $(objects) core.lds
	ld $(CORE_LDFLAGS) -o $@ $(objects)
$(O)/%.o: %.c flags.mk
	@mkdir -p $(@D)
	gcc $(CORE_CPPFLAGS) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<
$(O)/%.o: %.S flags.mk
	@mkdir -p $(@D)
	gcc $(CORE_CPPFLAGS) $(CORE_CFLAGS) -MMD -MP -c -o $@ $<
-include $(objects:.o=.d)
