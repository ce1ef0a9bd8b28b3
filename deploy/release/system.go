package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // formats of packages
	_ "github.com/goreleaser/nfpm/v2/rpm"
)

// systems makes a Debian and an RPM package for each architecture of Linux, as
// deploy/nfpm/nfpm.yaml says. What that file names is laid out in a folder first.
func (r *release) systems(ctx context.Context) error {
	for _, p := range r.platforms {
		if p.os != "linux" {
			continue
		}
		stage, err := r.stage(p)
		if err != nil {
			return err
		}
		vars := map[string]string{"ARCH": p.arch, "VERSION": r.version, "STAGE": stage, "DEPLOY": filepath.Join(r.source, "deploy")}
		for _, format := range []string{"deb", "rpm"} {
			if err := r.system(format, vars); err != nil {
				return fmt.Errorf("the %s package for %s: %w", format, p, err)
			}
		}
	}
	return nil
}

// system makes one package.
func (r *release) system(format string, vars map[string]string) error {
	config, err := nfpm.ParseFileWithEnvMapping(filepath.Join(r.source, "deploy", "nfpm", "nfpm.yaml"), func(name string) string { return vars[name] })
	if err != nil {
		return err
	}
	info, err := config.Get(format)
	if err != nil {
		return err
	}
	info = nfpm.WithDefaults(info)
	for _, script := range []*string{&info.Scripts.PostInstall, &info.Scripts.PostRemove} {
		*script = filepath.Join(r.source, filepath.FromSlash(*script))
	}
	info.MTime = r.time
	info.RPM.BuildHost = "localhost" // else it is this machine's name
	for _, c := range info.Contents {
		c.FileInfo.MTime = r.time
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	info.Target = packager.ConventionalFileName(info)
	return r.create(info.Target, func(w io.Writer) error { return packager.Package(info, w) })
}

// stage lays out in a folder what is not in deploy/ as the package has it: the program, the
// manual, packed, completion, and the units, which call the program where packages have it.
func (r *release) stage(p platform) (string, error) {
	stage := filepath.Join(r.work, "stage_"+p.arch)
	put := func(name string, data []byte, mode os.FileMode) error {
		to := filepath.Join(stage, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, data, mode)
	}
	program, err := os.ReadFile(r.programs[p])
	if err != nil {
		return "", err
	}
	if err := put("sealtape", program, 0o755); err != nil {
		return "", err
	}
	browser, err := os.ReadFile(r.browser)
	if err != nil {
		return "", err
	}
	if err := put("sealtape.wasm", browser, 0o644); err != nil {
		return "", err
	}
	manual, err := folder("", r.manual)
	if err != nil {
		return "", err
	}
	for _, e := range manual {
		if strings.HasPrefix(e.name, "man/") {
			var packed bytes.Buffer
			z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
			if err != nil {
				return "", err
			}
			_, err = z.Write(e.data)
			if err := firstOf(err, z.Close()); err != nil {
				return "", err
			}
			e.name, e.data = e.name+".gz", packed.Bytes()
		}
		if err := put(e.name, e.data, 0o644); err != nil {
			return "", err
		}
	}
	for name, from := range map[string]string{
		"sealtape@.service":       "cmd/sealtape/internal/systemd/sealtape@.service",
		"sealtape-worker.service": "deploy/systemd/sealtape-worker.service",
		"sealtape-watch.service":  "deploy/systemd/sealtape-watch.service",
	} {
		unit, err := os.ReadFile(filepath.Join(r.source, filepath.FromSlash(from)))
		if err != nil {
			return "", err
		}
		unit = bytes.ReplaceAll(unit, []byte("/usr/local/bin/sealtape"), []byte("/usr/bin/sealtape"))
		if err := put(filepath.Join("systemd", name), unit, 0o644); err != nil {
			return "", err
		}
	}
	return stage, nil
}
