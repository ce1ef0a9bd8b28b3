package checkup

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/sealtape/sealtape/archive/s3"
	"github.com/sealtape/sealtape/internal/words"
)

// clockLimit is how far a clock may be off. S3 servers refuse requests that are
// off by 15 minutes; times in recordings are those of this clock.
const clockLimit = time.Minute

const clockHint = "let the clock be set over the network (NTP): servers refuse requests of another time, and recordings tell the wrong one"

// Clock compares this machine's clock with that of the server or file system of a
// store: a folder or s3://bucket/prefix.
func Clock(ctx context.Context, r *Report, store string) {
	const section, name = "clock", "clock"
	where, there, here, err := storeClock(ctx, store)
	if err != nil {
		r.Unknown(section, name, "%s: nothing to compare it with: %v", store, err)
		return
	}
	compare(r, where, there, here)
}

// ServerClock compares this machine's clock with that of a web server, which where names.
func ServerClock(ctx context.Context, r *Report, where, url string) {
	there, here, err := httpClock(ctx, url)
	if err != nil {
		r.Unknown("clock", "clock", "%s: nothing to compare it with: %v", where, err)
		return
	}
	compare(r, where, there, here)
}

func compare(r *Report, where string, there, here time.Time) {
	const section, name = "clock", "clock"
	off := here.Sub(there)
	switch {
	case off > clockLimit:
		r.Warn(section, name, clockHint, "%s ahead of the clock of %s", words.Length(off), where)
	case off < -clockLimit:
		r.Warn(section, name, clockHint, "%s behind the clock of %s", words.Length(-off), where)
	default:
		r.Pass(section, name, "agrees with that of %s", where)
	}
}

// storeClock asks the store for the time. It returns whose that is and what this
// machine's clock showed then.
func storeClock(ctx context.Context, store string) (where string, there, here time.Time, err error) {
	if rest, ok := strings.CutPrefix(store, "s3://"); ok {
		c, err := s3.Locate(rest)
		if err != nil {
			return "", there, here, err
		}
		there, here, err = httpClock(ctx, cmp.Or(c.Endpoint, "https://s3.amazonaws.com"))
		return "the store's server, of " + store, there, here, err
	}
	there, here, err = fileClock(store)
	return "the store's file system, of " + store, there, here, err
}

// httpClock asks a web server for the time, whatever else it answers.
func httpClock(ctx context.Context, url string) (there, here time.Time, err error) {
	before := time.Now()
	resp, err := ask(ctx, url)
	if err != nil {
		return there, here, err
	}
	// The server looked at its clock somewhere between. It tells whole seconds.
	here = before.Add(time.Since(before) / 2)
	there, err = http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		err = errors.New("the server does not tell the time")
	}
	return there.Add(500 * time.Millisecond), here, err
}

// fileClock asks a folder's file system for the time: a server's, if it is
// mounted from one.
func fileClock(path string) (there, here time.Time, err error) {
	f, err := os.CreateTemp(path, ".tmp-doctor-*")
	if err != nil {
		return there, here, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write([]byte{0}); err != nil {
		return there, here, err
	}
	here = time.Now()
	fi, err := f.Stat()
	if err != nil {
		return there, here, err
	}
	return fi.ModTime(), here, nil
}
