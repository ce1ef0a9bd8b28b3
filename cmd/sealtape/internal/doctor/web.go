package doctor

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/checkup"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
)

// fileOrigin is what a page in a file says of itself.
const fileOrigin = "null"

// originOf returns the origin of a page, by its address or as browsers write it.
func originOf(page string) (string, error) {
	if page == fileOrigin || strings.HasPrefix(page, "file:") {
		return fileOrigin, nil
	}
	u, err := url.Parse(page)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil {
		return "", ui.Misuse("--web is %q, want an origin, such as https://meet.example.org, or null for a page in a file", page)
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), nil
}

// checkWeb looks whether a page may read the store.
func checkWeb(ctx context.Context, d *Diagnosis, o *options, arg string, store archive.Store) {
	const section, name = "web", "address"
	location, bucket := strings.CutPrefix(arg, "s3://")
	w := checkup.WebStore{Address: strings.TrimRight(o.storeURL, "/")}
	var config s3.Config
	if bucket {
		var err error
		if config, err = s3.FromEnv(location); err == nil && w.Address == "" {
			w.Address, _, err = config.Address()
		}
		if err != nil {
			d.Fail(section, name, err, "set AWS_REGION, or give region=NAME with --store")
			return
		}
		w.Bucket = config.Bucket
	}
	if w.Address == "" {
		d.Unknown(section, name, "%s: pages reach a folder through a web server: --store-url says where", arg)
		return
	}
	w.Kind = checkup.ProviderOf(w.Address, bucket)
	for id, err := range archive.IDs(ctx, store) {
		if err != nil {
			break // other checks tell
		}
		w.Object = id + "/head"
		if bucket && o.storeURL == "" {
			if t, _, err := config.Presign(ctx, id, []string{"head"}, time.Minute); err == nil {
				w.Query = t.Query + t.Objects[0].End
			}
		}
		break
	}
	checkup.Web(ctx, &d.Report, w, o.origin)
}
