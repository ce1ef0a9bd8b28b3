//go:build packages

package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// units are those that packages bring, as they can be loaded.
var units = []string{"sealtape@weekly.service", "sealtape-worker.service", "sealtape-watch.service"}

// TestDeb: the package installs into a fresh Debian; its units are ones that systemd takes
// and calls well confined, the manual and completion are there, and removing it leaves the
// home.
func TestDeb(t *testing.T) {
	deb := released(t, "sealtape_*_amd64.deb")
	root := filepath.Join(t.TempDir(), "root")
	output(t, nil, "mmdebstrap", "--mode=root", "--variant=minbase", "--include=systemd,ca-certificates", "bookworm", root, debianSources(t))
	defer func() {
		if err := os.RemoveAll(root); err != nil {
			t.Error(err)
		}
	}()
	if err := os.Link(deb, filepath.Join(root, "sealtape.deb")); err != nil {
		b, err := os.ReadFile(deb)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, "sealtape.deb"), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	inside := func(args ...string) string {
		return output(t, nil, "unshare", append([]string{"--mount", "--pid", "--fork", "--root=" + root, "--mount-proc", "--"}, args...)...)
	}
	inside("dpkg", "-i", "/sealtape.deb")
	if out := inside("sealtape", "--version"); !strings.Contains(out, "linux/amd64") {
		t.Error(out)
	}
	fi, err := os.Stat(filepath.Join(root, "var/lib/sealtape"))
	if err != nil {
		t.Fatal(err)
	}
	uid := strings.TrimSpace(inside("id", "-u", "sealtape"))
	if fi.Mode().Perm() != 0o700 || strconv.Itoa(int(fi.Sys().(*syscall.Stat_t).Uid)) != uid {
		t.Errorf("the home has mode %v and does not belong to %s", fi.Mode(), uid)
	}
	for _, name := range []string{"usr/share/man/man1/sealtape-record.1.gz", "usr/share/bash-completion/completions/sealtape", "usr/lib/sealtape/sealtape.wasm", "usr/share/doc/sealtape/copyright"} {
		if _, err := os.Stat(filepath.Join(root, name)); err != nil {
			t.Error(err)
		}
	}
	for _, unit := range units {
		if _, err := try(t, nil, "systemd-analyze", "verify", "--root="+root, "--man=no", "--recursive-errors=no", unit); err != nil {
			t.Errorf("%s: %v", unit, err)
		}
		out := output(t, nil, "systemd-analyze", "security", "--offline=yes", "--root="+root, "--no-pager", unit)
		m := regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`).FindStringSubmatch(out)
		if m == nil {
			t.Fatalf("%s: %s", unit, out)
		}
		if exposed, err := strconv.ParseFloat(m[1], 64); err != nil || exposed > 2 {
			t.Errorf("%s is exposed at %s, want at most 2.0", unit, m[1])
		}
		t.Logf("%s: exposure %s", unit, m[1])
	}
	inside("chroot", "--userspec=sealtape", "/", "sh", "-c", "SEALTAPE_HOME=/var/lib/sealtape sealtape keys init --name Recorder --recorder --no-passphrase")
	inside("dpkg", "--purge", "sealtape")
	if _, err := os.Stat(filepath.Join(root, "var/lib/sealtape/identity.txt")); err != nil {
		t.Errorf("purging the package took the keys: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "usr/bin/sealtape")); err == nil {
		t.Error("the program is still there")
	}
}

// debianSources is where this Debian gets its packages from.
func debianSources(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"} {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	t.Fatal("this is no Debian: there is no list of sources")
	return ""
}

// TestRPM: rpm takes the package, which has what the other one has.
func TestRPM(t *testing.T) {
	rpm := released(t, "sealtape-*.x86_64.rpm")
	// rpm's own database is not this machine's.
	args := func(more ...string) []string { return append(append([]string{"--dbpath", t.TempDir()}, more...), rpm) }
	list := output(t, nil, "rpm", args("-qlp")...)
	for _, want := range []string{"/usr/bin/sealtape\n", "/usr/lib/systemd/system/sealtape-worker.service\n", "/usr/lib/sysusers.d/sealtape.conf\n",
		"/usr/share/man/man1/sealtape-keys-init.1.gz\n", "/usr/share/licenses/sealtape/LICENSE\n", "/usr/share/zsh/site-functions/_sealtape\n"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in\n%s", strings.TrimSpace(want), list)
		}
	}
	if out := output(t, nil, "rpm", args("-qp", "--scripts")...); !strings.Contains(out, "systemd-sysusers") || strings.Contains(out, "restart") && !strings.Contains(out, "restarts nothing") {
		t.Errorf("scripts: %s", out)
	}
	output(t, nil, "rpm", args("-K", "--nosignature")...)
}
