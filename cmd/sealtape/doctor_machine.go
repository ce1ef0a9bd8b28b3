package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// coreFinding says whether a crash could write this program's memory to a disk.
// limit is RLIMIT_CORE, pattern the kernel's core_pattern (core(5)), and dumpable
// what harden takes from a process.
func coreFinding(d *diagnosis, limit uint64, dumpable bool, pattern string) {
	const section, name = "machine", "core dumps"
	pattern = strings.TrimSpace(pattern)
	program, piped := strings.CutPrefix(pattern, "|")
	program, _, _ = strings.Cut(program, " ")
	switch {
	case !dumpable:
		d.ok(section, name, "off, by sealtape itself")
	case piped && limit > 1: // 1 is how the kernel's own helpers ask for none
		d.warn(section, name, "ulimit -c 0 before sealtape, which most such programs heed; systemd: Storage=none in coredump.conf",
			"a crash would hand its memory, keys included, to %s", program)
	case piped:
		d.ok(section, name, "off, by a limit of %d that %s is told", limit, program)
	case limit > 0 && pattern != "":
		d.warn(section, name, "ulimit -c 0 before sealtape", "a crash would write its memory, keys included, to a file %q", pattern)
	default:
		d.ok(section, name, "off")
	}
}

// memoryFinding says whether other programs can read this one's memory.
func memoryFinding(d *diagnosis, dumpable bool) {
	const section, name = "machine", "memory"
	if dumpable {
		d.warn(section, name, "prctl(PR_SET_DUMPABLE) was refused; run sealtape as a user of its own",
			"every program of this user can read this one's memory, keys included")
		return
	}
	d.ok(section, name, "closed to other programs of this user")
}

// diskSwaps returns the devices of /proc/swaps that are disks.
func diskSwaps(swaps string) (disks []string) {
	lines := strings.Split(strings.TrimSpace(swaps), "\n")
	for _, line := range lines[1:] {
		device, _, _ := strings.Cut(line, " ")
		device, _, _ = strings.Cut(device, "\t")
		if !strings.HasPrefix(device, "/dev/zram") { // that is memory, too
			disks = append(disks, device)
		}
	}
	return disks
}

// swapFinding says whether memory can get to disks.
func swapFinding(d *diagnosis, disks []string) {
	const section, name = "machine", "swap"
	if len(disks) == 0 {
		d.ok(section, name, "none on a disk")
		return
	}
	d.warn(section, name, swapHint,
		"memory, keys included, can be written to %s", few(disks))
}

const swapHint = "encrypt the swap, or switch it off (swapoff -a), unless it is encrypted already: that cannot be told from here; systemd: MemorySwapMax=0"

// checkLiveKit asks the server for its root page, which a LiveKit server answers
// with OK, without a token.
func checkLiveKit(ctx context.Context, d *diagnosis, text string) {
	const section, name, hint = "livekit", "server", "check LIVEKIT_URL, and that the server can be reached from here"
	u, err := url.Parse(text)
	if err == nil && (u.Host == "" || u.User != nil) {
		err = errors.New("no host")
	}
	schemes := map[string]string{"ws": "http", "wss": "https", "http": "http", "https": "https"}
	if err != nil || schemes[u.Scheme] == "" {
		// The text is not shown: it may be something else, pasted by mistake.
		d.fail(section, name, errors.New("LIVEKIT_URL is not of the form wss://HOST"), hint)
		return
	}
	insecure := u.Scheme == "ws" || u.Scheme == "http"
	host := u.Hostname()
	u.Scheme, u.RawQuery, u.Fragment = schemes[u.Scheme], "", ""
	resp, err := ask(ctx, u.String())
	switch {
	case err != nil:
		d.fail(section, name, fmt.Errorf("no answer: %w", err), hint)
	case resp.StatusCode != http.StatusOK:
		d.warn(section, name, "a LiveKit server answers 200 OK there; a proxy before it may not", "%s answers %s", host, resp.Status)
	case insecure && host != "localhost" && !strings.HasPrefix(host, "127.") && host != "::1":
		d.warn(section, name, "use wss://: the token that joins the room goes over this connection", "%s answers, without TLS", host)
	default:
		d.ok(section, name, "%s answers", host)
	}
}
