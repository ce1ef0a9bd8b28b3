package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// user is who runs in the image: nobody, by the number that other images without a shell use.
const user = 65532

// imageHome is where the program in the image keeps keys and spool. A volume belongs there.
const imageHome = "/var/lib/sealtape"

// image makes one OCI image of the Linux programs: an index with a manifest for each
// architecture, as a tar of an OCI layout, which podman, skopeo, crane and docker load.
func (r *release) image(context.Context) error {
	var images []mutate.IndexAddendum
	roots, err := os.ReadFile(r.roots)
	if err != nil {
		return fmt.Errorf("the image needs CA certificates (Debian: ca-certificates; or name a file with -roots): %w", err)
	}
	for _, p := range r.platforms {
		if p.os != "linux" {
			continue
		}
		img, err := r.imageOf(p, roots)
		if err != nil {
			return err
		}
		images = append(images, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: p.os, Architecture: p.arch}}})
	}
	if len(images) == 0 {
		return nil
	}
	index := mutate.IndexMediaType(mutate.AppendManifests(empty.Index, images...), types.OCIImageIndex)
	dir := filepath.Join(r.work, "image")
	to, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	err = to.AppendIndex(index, layout.WithAnnotations(map[string]string{"org.opencontainers.image.ref.name": imageTag(r.version)}))
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	es, err := folder("", dir)
	if err != nil {
		return err
	}
	if err := r.create(r.name("_oci.tar"), func(w io.Writer) error { return writeTar(w, es, r.time, 0) }); err != nil {
		return err
	}
	return r.create(r.name("_oci.digest"), func(w io.Writer) error {
		_, err := fmt.Fprintln(w, digest)
		return err
	})
}

// imageTag is a version as a tag may be written.
func imageTag(version string) string {
	return string(bytes.ReplaceAll([]byte(version), []byte("+"), []byte("_")))
}

// imageOf makes the image for one architecture, of two layers: what the system would bring,
// and the program.
func (r *release) imageOf(p platform, roots []byte) (v1.Image, error) {
	program, err := file("usr/bin/sealtape", r.programs[p], 0o755)
	if err != nil {
		return nil, err
	}
	owner := fmt.Sprintf("%d:%d", user, user)
	system := []entry{
		{"etc/ssl/certs/ca-certificates.crt", 0o644, roots},
		{"etc/passwd", 0o644, fmt.Appendf(nil, "root:x:0:0:root:/:/none\nsealtape:x:%s:sealtape:%s:/none\n", owner, imageHome)},
		{"etc/group", 0o644, fmt.Appendf(nil, "root:x:0:\nsealtape:x:%d:\n", user)},
		{"etc/nsswitch.conf", 0o644, []byte("hosts: files dns\n")},
		{"tmp", fs.ModeDir | fs.ModeSticky | 0o777, nil},
	}
	home := []entry{{imageHome[1:], fs.ModeDir | 0o700, nil}}
	img := mutate.MediaType(empty.Image, types.OCIManifestSchema1)
	img = mutate.ConfigMediaType(img, types.OCIConfigJSON)
	for _, l := range []struct {
		what string
		es   []entry
		uid  int
	}{{"CA certificates, user", system, 0}, {"home", home, user}, {"sealtape", []entry{program}, 0}} {
		layer, err := imageLayer(l.es, r.time, l.uid)
		if err != nil {
			return nil, err
		}
		history := v1.History{Created: v1.Time{Time: r.time}, CreatedBy: "deploy/release", Comment: l.what}
		if img, err = mutate.Append(img, mutate.Addendum{Layer: layer, History: history, MediaType: types.OCILayer}); err != nil {
			return nil, err
		}
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, config.Created = p.os, p.arch, v1.Time{Time: r.time}
	config.Config = v1.Config{
		User:       owner,
		Entrypoint: []string{"/usr/bin/sealtape"},
		Cmd:        []string{"--help"},
		WorkingDir: imageHome,
		Env:        []string{"PATH=/usr/bin", "HOME=" + imageHome, "SEALTAPE_HOME=" + imageHome},
		Volumes:    map[string]struct{}{imageHome: {}},
		StopSignal: "SIGTERM",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "sealtape",
			"org.opencontainers.image.description": "records end-to-end-encrypted LiveKit meetings into a sealed archive",
			"org.opencontainers.image.source":      "https://github.com/sealtape/sealtape",
			"org.opencontainers.image.licenses":    "Apache-2.0",
			"org.opencontainers.image.version":     r.version,
		},
	}
	return mutate.ConfigFile(img, config)
}

func imageLayer(es []entry, at time.Time, uid int) (v1.Layer, error) {
	var b bytes.Buffer
	if err := writeTar(&b, es, at, uid); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}
