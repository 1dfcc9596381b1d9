/* linux_netclass.c - state and properties of each network interface, from /sys/class/net. */
#include "cmd/expose/linux.h"

static const struct pm_metric up = PM_GAUGE("node_network_up", "1 when the interface's operstate is up.");
static const struct pm_metric info = PM_GAUGE("node_network_info", "Addresses and states of an interface; always 1.");

#define PROPERTY(name) PM_GAUGE("node_network_" name, "Network interface: " name ".")
#define CHANGES(name) PM_COUNTER("node_network_" name, "Network interface: " name ".")

static const struct pm_linux_attr attrs[] = {
	PM_ATTR("addr_assign_type", PROPERTY("address_assign_type")),
	PM_ATTR("carrier", PROPERTY("carrier")),
	PM_ATTR("carrier_changes", CHANGES("carrier_changes_total")),
	PM_ATTR("carrier_up_count", CHANGES("carrier_up_changes_total")),
	PM_ATTR("carrier_down_count", CHANGES("carrier_down_changes_total")),
	PM_ATTR("dev_id", PROPERTY("device_id"), .hex = true),
	PM_ATTR("dormant", PROPERTY("dormant")),
	PM_ATTR("flags", PROPERTY("flags"), .hex = true),
	PM_ATTR("ifindex", PROPERTY("iface_id")),
	PM_ATTR("iflink", PROPERTY("iface_link")),
	PM_ATTR("link_mode", PROPERTY("iface_link_mode")),
	PM_ATTR("mtu", PROPERTY("mtu_bytes")),
	PM_ATTR("name_assign_type", PROPERTY("name_assign_type")),
	PM_ATTR("netdev_group", PROPERTY("net_dev_group")),
	PM_ATTR("speed", PROPERTY("speed_bytes"), .times = 1000000, .per = 8), /* Mbit/s; -1: unknown */
	PM_ATTR("tx_queue_len", PROPERTY("transmit_queue_length")),
	PM_ATTR("type", PROPERTY("protocol_type")),
};

static struct pm_str admin_state(struct pm_linux *x, const char *dir)
{
	struct pm_str word;
	double flags;
	if (!pm_proc_word(&x->arena, &word, "%s/flags", dir) || pm_proc_hex(word, &flags, NULL) != 0)
		return PM_STR("unknown");
	return (uint64_t)flags & 1 ? PM_STR("up") : PM_STR("down"); /* IFF_UP */
}

static void emit_interface(struct pm_linux *x, const char *dir, struct pm_str name)
{
	struct pm_label device = PM_LABEL("device", name);
	struct pm_label state = pm_linux_label(x, "operstate", dir, "operstate");
	pm_emit_labels(x->emit, &up, pm_str_eq(state.value, PM_STR("up")), &device, 1);
	pm_emit(x->emit, &info, 1, device, state, pm_linux_label(x, "address", dir, "address"),
		pm_linux_label(x, "broadcast", dir, "broadcast"), pm_linux_label(x, "duplex", dir, "duplex"),
		PM_LABEL("adminstate", admin_state(x, dir)), pm_linux_label(x, "ifalias", dir, "ifalias"));
	pm_linux_attrs(x, dir, attrs, sizeof attrs / sizeof attrs[0], &device, 1);
}

int pm_linux_netclass(struct pm_linux *x, struct pm_error *err)
{
	struct pm_strings names;
	struct pm_str word;
	int rc = pm_proc_list(&x->arena, &names, err, "%s/class/net", x->sysfs);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		const char *dir = pm_arena_printf(&x->arena, "%s/class/net/%s", x->sysfs, names.v[i].ptr);
		if (!dir)
			return pm_fail(err, PM_ERR_NOMEM, "out of memory");
		/* Files such as bonding_masters stand here too; an interface has an index. */
		if (pm_proc_word(&x->arena, &word, "%s/ifindex", dir))
			emit_interface(x, dir, names.v[i]);
	}
	return rc;
}
