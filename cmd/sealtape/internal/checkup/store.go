package checkup

import (
	"context"
	"fmt"
	"time"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/archive/storecheck"
)

// Store tries whether a store does what an archive asks of it, for at most limit:
// it is some forty requests.
func Store(ctx context.Context, r *Report, s archive.Store, limit time.Duration) {
	const section = "store"
	probing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	checks, err := storecheck.Run(probing, s)
	for _, c := range checks {
		switch c.Verdict {
		case storecheck.Passed:
			r.Pass(section, c.Name, "%s", passed[c.Name])
		case storecheck.Unknown:
			r.Unknown(section, c.Name, "%v", c.Err)
		case storecheck.Limited:
			r.Warn(section, c.Name, c.Remedy, "%v", c.Err)
		default:
			r.Add(section, c.Name, Failed, c.Remedy, "%v", c.Err)
		}
	}
	if err != nil && ctx.Err() == nil {
		r.Fail(section, "answers", fmt.Errorf("not within %v: %w", limit, err), "check the network between here and the store")
	}
}

// passed says what it means that a check of the store passed.
var passed = map[string]string{
	storecheck.Put:         "objects can be put",
	storecheck.Get:         "they come back as they were",
	storecheck.Ranges:      "a part of one is that part",
	storecheck.List:        "they are listed",
	storecheck.PutIfAbsent: "a name that is taken is refused, also to several at once",
	storecheck.Replace:     "a head can be replaced",
	storecheck.Checksums:   "bytes damaged on their way are refused",
	storecheck.Delete:      "objects can be deleted",
}
