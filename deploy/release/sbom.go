package main

import (
	"context"
	"debug/buildinfo"
	"io"
	"net/url"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	cyclonedx "github.com/CycloneDX/cyclonedx-go"
)

// bills writes a bill of materials in CycloneDX beside each program: the modules that are
// linked into it, as the Go command wrote them into the program itself, and the standard
// library.
func (r *release) bills(context.Context) error {
	programs := map[string]string{r.name("_browser"): r.browser}
	for _, p := range r.platforms {
		programs[r.name("_"+p.os+"_"+p.arch)] = r.programs[p]
	}
	for name, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if name == r.name("_browser") {
			// A program for browsers cannot be read so. It is linked from the same
			// versions, as they stand in go.mod.
			info, err = buildinfo.ReadFile(r.programs[r.here()])
			if err == nil {
				info.Path = "github.com/sealtape/sealtape/cmd/sealtape-web"
			}
		}
		if err != nil {
			return err
		}
		if err := r.create(name+".cdx.json", func(w io.Writer) error {
			e := cyclonedx.NewBOMEncoder(w, cyclonedx.BOMFileFormatJSON)
			return e.SetPretty(true).Encode(bill(info, r.version, filepath.Base(program), r.time))
		}); err != nil {
			return err
		}
	}
	return nil
}

// bill lists what is in a program, sorted.
func bill(info *debug.BuildInfo, version, name string, at time.Time) *cyclonedx.BOM {
	of := func(path, version, sum string) cyclonedx.Component {
		ref := purl(path, version)
		c := cyclonedx.Component{BOMRef: ref, Type: cyclonedx.ComponentTypeLibrary, Name: path, Version: version, PackageURL: ref, Scope: cyclonedx.ScopeRequired}
		if sum != "" { // of the module's files, as go.sum has it
			c.Properties = &[]cyclonedx.Property{{Name: "golang:h1", Value: sum}}
		}
		return c
	}
	parts := []cyclonedx.Component{of("std", strings.TrimPrefix(info.GoVersion, "go"), "")}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		parts = append(parts, of(m.Path, m.Version, m.Sum))
	}
	slices.SortFunc(parts, func(a, b cyclonedx.Component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	program := of(info.Path, "v"+version, "")
	program.Type = cyclonedx.ComponentTypeApplication
	program.Licenses = &cyclonedx.Licenses{{License: &cyclonedx.License{ID: "Apache-2.0"}}}
	program.Properties = &[]cyclonedx.Property{{Name: "file", Value: name}}
	refs := make([]string, len(parts))
	for i, c := range parts {
		refs[i] = c.BOMRef
	}
	b := cyclonedx.NewBOM()
	b.Metadata = &cyclonedx.Metadata{Timestamp: at.UTC().Format(time.RFC3339), Component: &program}
	b.Components = &parts
	b.Dependencies = &[]cyclonedx.Dependency{{Ref: program.BOMRef, Dependencies: &refs}}
	return b
}

// purl names a module as package URLs do.
func purl(path, version string) string {
	parts := strings.Split(path, "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "pkg:golang/" + strings.Join(parts, "/") + "@" + url.PathEscape(version)
}
