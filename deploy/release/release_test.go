package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// tiny is a program of the Go command that does nothing.
func tiny(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tiny.go"), []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", "tiny", "tiny.go")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "tiny")
}

// stub is a release of this source whose programs do nothing, as nothing in here runs
// them, and whose manual is short.
func stub(t *testing.T) *release {
	t.Helper()
	program := tiny(t)
	work := t.TempDir()
	manual := filepath.Join(work, "manual")
	for name, text := range map[string]string{
		"man/man1/sealtape.1": ".TH SEALTAPE 1\n", "completion/sealtape": "bash\n", "completion/_sealtape": "zsh\n", "completion/sealtape.fish": "fish\n",
		"roots.pem": "no certificate\n", "sealtape.wasm": "\x00asm",
	} {
		to := filepath.Join(manual, name)
		if !strings.Contains(name, "/") {
			to = filepath.Join(work, name)
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := &release{
		source: "../..", output: t.TempDir(), roots: filepath.Join(work, "roots.pem"), work: work, manual: manual, browser: filepath.Join(work, "sealtape.wasm"),
		platforms: []platform{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "arm64"}, {"windows", "amd64"}},
		programs:  make(map[platform]string), version: "0.0.0-20261129170000-0123456789ab+dirty", time: time.Unix(1_800_000_000, 0).UTC(), out: io.Discard,
	}
	for _, p := range append(slices.Clone(r.platforms), r.here()) {
		r.programs[p] = program
	}
	return r
}

// made makes all but the programs of a release.
func made(t *testing.T, r *release) {
	t.Helper()
	for _, step := range []func(context.Context) error{r.archives, r.systems, r.image, r.charts, r.bills, r.sums} {
		if err := step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReproducible: the same programs make the same bytes, in other folders and in other
// order.
func TestReproducible(t *testing.T) {
	one, two := stub(t), stub(t)
	slices.Reverse(two.platforms[2:])
	made(t, one)
	t.Setenv("TZ", "Asia/Kathmandu")
	time.Local = time.FixedZone("elsewhere", 20700)
	made(t, two)
	a, err := os.ReadFile(filepath.Join(one.output, sumsName))
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(two.output, sumsName))
	if err != nil {
		t.Fatal(err)
	}
	if string(a) != string(b) {
		t.Errorf("one\n%s\nother\n%s", a, b)
	}
	if n := strings.Count(string(a), "\n"); n < 16 {
		t.Errorf("%d files:\n%s", n, a)
	}
}

// TestImage: a pure OCI image of two architectures, whose program is nobody's, and where
// nothing can be run but it.
func TestImage(t *testing.T) {
	r := stub(t)
	if err := r.image(t.Context()); err != nil {
		t.Fatal(err)
	}
	path, err := layout.FromPath(filepath.Join(r.work, "image"))
	if err != nil {
		t.Fatal(err)
	}
	top, err := path.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	first, err := top.IndexManifest()
	if err != nil || len(first.Manifests) != 1 || first.Manifests[0].MediaType != types.OCIImageIndex {
		t.Fatalf("%v %+v", err, first)
	}
	index, err := top.ImageIndex(first.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
		img, err := index.Image(m.Digest)
		if err != nil {
			t.Fatal(err)
		}
		own, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range append(own.Layers, own.Config) {
			if !strings.HasPrefix(string(d.MediaType), "application/vnd.oci.") {
				t.Errorf("%s has the type %s", d.Digest, d.MediaType)
			}
		}
		config, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if config.Config.User != "65532:65532" || config.Architecture != m.Platform.Architecture || !config.Created.Equal(r.time) {
			t.Errorf("%+v", config)
		}
		var programs []string
		layers, err := img.Layers()
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			rc, err := l.Uncompressed()
			if err != nil {
				t.Fatal(err)
			}
			for tr := tar.NewReader(rc); ; {
				h, err := tr.Next()
				if err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
				if h.Typeflag == tar.TypeReg && h.Mode&0o111 != 0 {
					programs = append(programs, h.Name)
				}
				if h.Mode&0o6000 != 0 || h.Uid != 0 && h.Name != "var/lib/sealtape/" {
					t.Errorf("%s has mode %o and belongs to %d", h.Name, h.Mode, h.Uid)
				}
			}
			if err := rc.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(programs, []string{"usr/bin/sealtape"}) {
			t.Errorf("programs: %q", programs)
		}
	}
	if !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("platforms: %q", platforms)
	}
}

// TestSigned: what was changed, added or signed by another key is found out.
func TestSigned(t *testing.T) {
	folder, key := t.TempDir(), filepath.Join(t.TempDir(), "key")
	var public bytes.Buffer
	if err := run(t.Context(), []string{"-keygen", "release.example.org", "-key", key}, &public); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{"-keygen", "release.example.org", "-key", key}, io.Discard); err == nil {
		t.Error("a key was overwritten")
	}
	put := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("a", "one")
	put("b", "two")
	signer, err := readKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := (&release{output: folder, signer: signer, out: io.Discard}).sums(t.Context()); err != nil {
		t.Fatal(err)
	}
	verifier := strings.TrimSpace(public.String())
	check := func(verifier string) error {
		return run(t.Context(), []string{"-check", folder, "-verifier", verifier}, io.Discard)
	}
	if err := check(verifier); err != nil {
		t.Error(err)
	}
	put("b", "three")
	put("c", "four")
	if err := check(verifier); err == nil || !strings.HasSuffix(err.Error(), "not as signed: b, c") {
		t.Error(err)
	}
	put("b", "two")
	if err := os.Remove(filepath.Join(folder, "c")); err != nil {
		t.Fatal(err)
	}
	if err := check(verifier); err != nil {
		t.Error(err)
	}
	var other bytes.Buffer
	if err := makeKey("release.example.org", key+"2", &other); err != nil {
		t.Fatal(err)
	}
	if err := check(strings.TrimSpace(other.String())); err == nil {
		t.Error("another key's signature was taken")
	}
	if err := os.Chmod(key, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := readKey(key); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that others can read: %v", err)
	}
}

// TestChart: the chart has the version of the release, and is an archive as helm takes it.
func TestChart(t *testing.T) {
	r := stub(t)
	if err := r.charts(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.output, "sealtape-"+r.version+".tgz"))
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		if h.Name == "sealtape/Chart.yaml" && strings.Count(string(text), r.version) == 2 {
			found++
		}
		if h.Name == "sealtape/templates/worker.yaml" {
			found++
		}
	}
	if found != 2 {
		t.Errorf("found %d of 2 files", found)
	}
}

// TestBill: the bill of a program has its modules and the standard library.
func TestBill(t *testing.T) {
	r := stub(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.programs[platform{"linux", "amd64"}] = self
	if err := r.bills(t.Context()); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(r.output, r.name("_linux_amd64.cdx.json")))
	if err != nil {
		t.Fatal(err)
	}
	var bill struct {
		BOMFormat   string
		SpecVersion string
		Components  []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(b, &bill); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range bill.Components {
		names = append(names, c.Name)
		if c.Version == "" || !strings.HasPrefix(c.Purl, "pkg:golang/") {
			t.Errorf("%+v", c)
		}
	}
	if bill.BOMFormat != "CycloneDX" || bill.SpecVersion < "1.5" || !slices.Contains(names, "std") || !slices.Contains(names, "github.com/google/go-containerregistry") {
		t.Errorf("%s %s of %q", bill.BOMFormat, bill.SpecVersion, names)
	}
}
