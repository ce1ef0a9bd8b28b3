package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/sealtape/sealtape/archive"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "check keys, spool, store and this machine, before it matters",
		Description: `Tries the store with a few throw-away objects, which it removes: whether it can be
written, read and listed, and whether it keeps its promises about names that are
taken and bytes that are damaged. --store may be repeated, as for record. Shows which recordings your keys open: of many,
those that were recorded here last, and then some; --all looks at all of them.

--policy prints a policy for the recorder's key, for the bucket of --store.

` + storeHelp + `

Warnings are for you to weigh. Exit code 1: something will not work.`,
		Flags: []cli.Flag{
			storesFlag(),
			&cli.BoolFlag{Name: "all", Usage: "look at all recordings"},
			&cli.BoolFlag{Name: "policy", Usage: "print a policy for the recorder's key in the bucket instead, which lets it add and take nothing back"},
			&cli.BoolFlag{Name: "unit", Usage: "print a systemd unit for a recorder instead, with comments"},
			jsonFlag(),
		},
		Action: doctorAction,
	}
}

// What doctor says of one thing.
const (
	isOK      = "ok"
	isWarning = "warning" // it works, and there is something to know
	isFailed  = "failed"
	isUnknown = "unknown"
)

// A finding is one thing that doctor looked at.
type finding struct {
	Section string `json:"section"` // keys, spool, store, clock, machine, livekit or recordings
	Name    string `json:"name"`
	Result  string `json:"result"` // ok, warning, failed or unknown
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`
}

// A diagnosis is all that doctor found.
type diagnosis struct {
	OK         bool      `json:"ok"` // nothing failed
	Findings   []finding `json:"checks"`
	Recordings []opening `json:"recordings"`
	LeftOut    int       `json:"recordings_left_out"`
}

func (d *diagnosis) add(section, name, result, hint, format string, args ...any) {
	d.Findings = append(d.Findings, finding{section, name, result, fmt.Sprintf(format, args...), hint})
}

func (d *diagnosis) ok(section, name, format string, args ...any) {
	d.add(section, name, isOK, "", format, args...)
}

func (d *diagnosis) warn(section, name, hint, format string, args ...any) {
	d.add(section, name, isWarning, hint, format, args...)
}

func (d *diagnosis) unknown(section, name, format string, args ...any) {
	d.add(section, name, isUnknown, "", format, args...)
}

// fail adds err with the hint that the other commands would give, or else the
// one given here.
func (d *diagnosis) fail(section, name string, err error, hint string) {
	if _, hints := explain(err); len(hints) > 0 {
		hint = hints[0]
	}
	d.add(section, name, isFailed, hint, "%v", err)
}

func (d *diagnosis) failed() (n int) {
	for _, f := range d.Findings {
		if f.Result == isFailed {
			n++
		}
	}
	return n
}

func doctorAction(c *cli.Context) error {
	e := envOf(c)
	if _, err := arguments(c); err != nil {
		return err
	}
	if c.Bool("unit") && c.Bool("policy") {
		return usagef(c, "--unit and --policy exclude one another: each prints something of its own")
	}
	if c.Bool("unit") {
		e.printf("%s", unitFile)
		return nil
	}
	if c.Bool("policy") {
		return e.showPolicy(c)
	}
	var ids []string
	for _, arg := range storeNames(c) {
		id, err := storeID(arg)
		if err != nil { // it does not open, which is told below
			id = arg
		}
		if slices.Contains(ids, id) {
			return usagef(c, "--store: %s is named twice", clean(arg))
		}
		ids = append(ids, id)
	}
	d := &diagnosis{Findings: []finding{}, Recordings: []opening{}}
	h, identities := e.checkKeys(c.Context, d)
	if h != nil {
		checkSpool(c.Context, d, h.SpoolDir())
	}
	var first archive.Store // whose recordings are looked at
	var firstName string
	for _, arg := range storeNames(c) {
		checkClock(c.Context, d, arg)
		if store := e.checkStore(c.Context, d, arg); first == nil {
			first, firstName = store, arg
		}
	}
	if len(storeNames(c)) == 0 {
		d.unknown("store", "store", "not looked at: no --store")
	}
	if first != nil && h != nil && len(storeNames(c)) > 1 {
		d.ok("recordings", "store", "%s, the first that opens", firstName)
	}
	if first != nil && h != nil {
		if err := e.checkRecordings(c.Context, d, h, first, identities, c.Bool("all")); err != nil {
			d.fail("recordings", "list", err, "see what the checks of the store say, and try again")
		}
	}
	checkMachine(d)
	if url := os.Getenv("LIVEKIT_URL"); url != "" {
		checkLiveKit(c.Context, d, url)
	}
	if err := c.Context.Err(); err != nil {
		return err
	}
	failed := d.failed()
	d.OK = failed == 0
	var err error
	if c.Bool("json") {
		err = e.json(d)
	} else {
		err = e.showDiagnosis(d)
	}
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s failed", count(failed, "check"))
	}
	return err
}

func (e *env) showDiagnosis(d *diagnosis) error {
	section := ""
	for _, f := range d.Findings {
		if f.Section != section {
			if section != "" {
				e.printf("\n")
			}
			section = f.Section
			e.printf("%s\n", section)
		}
		e.printf("  %-7s  %-13s  %s\n", f.Result, clean(f.Name), clean(f.Text))
		if f.Hint != "" {
			e.printf("           hint: %s\n", clean(f.Hint))
		}
	}
	rows := [][]string{{"ID", "STATE", "START", "EPOCHS", "OPENS FOR YOU"}}
	for _, r := range d.Recordings {
		start := "-"
		if r.Start != nil {
			start = r.Start.Local().Format("2006-01-02 15:04")
		}
		opens := r.Opens
		if opens == opensSome {
			opens = fmt.Sprintf("%d of %d", r.Opened, r.Epochs)
		}
		state := r.State
		if r.Distrusted {
			state += ", key revoked"
		}
		rows = append(rows, []string{r.ID, state, start, strconv.Itoa(r.Epochs), opens})
	}
	if err := e.section(rows); err != nil {
		return err
	}
	if d.LeftOut > 0 {
		e.notef("\n%s not looked at; with --all they are.", wasWere(d.LeftOut))
	}
	return nil
}

// clockLimit is how far a clock may be off. S3 servers refuse requests that are
// off by 15 minutes; times in recordings are those of this clock.
const clockLimit = time.Minute

// checkClock compares this machine's clock with that of the store's server or
// file system.
func checkClock(ctx context.Context, d *diagnosis, arg string) {
	const section = "clock"
	where, there, at, err := storeClock(ctx, arg)
	if err != nil {
		d.unknown(section, "clock", "%s: nothing to compare it with: %v", arg, err)
		return
	}
	off := at.Sub(there)
	switch {
	case off > clockLimit:
		d.warn(section, "clock", clockHint, "%s ahead of the clock of %s", off.Round(time.Second), where)
	case off < -clockLimit:
		d.warn(section, "clock", clockHint, "%s behind the clock of %s", (-off).Round(time.Second), where)
	default:
		d.ok(section, "clock", "agrees with that of %s", where)
	}
}

const clockHint = "let the clock be set over the network (NTP): servers refuse requests of another time, and recordings tell the wrong one"

// few joins the first few of names.
func few(names []string) string {
	const most = 5
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return cmp.Or(strings.Join(names, ", "), "none")
}
