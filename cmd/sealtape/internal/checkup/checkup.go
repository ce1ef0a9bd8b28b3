// Package checkup looks at what a recording will need before it matters: the
// machine, its clock, the spool, a store, a LiveKit server. Each check adds what it
// found to a [Report], with what to do about it.
package checkup

import "fmt"

// What was found of one thing.
const (
	OK      = "ok"
	Warning = "warning" // it works, and there is something to know
	Failed  = "failed"
	Unknown = "unknown"
)

// A Finding is one thing that was looked at.
type Finding struct {
	Section string `json:"section"` // keys, spool, store, clock, machine, livekit, web, matrix or recordings
	Name    string `json:"name"`
	Result  string `json:"result"` // ok, warning, failed or unknown
	Text    string `json:"text"`
	Hint    string `json:"hint,omitempty"`

	// Run are commands that do what Hint says.
	Run []string `json:"run,omitempty"`
}

// A Report is all that was found, in the order in which it was looked at.
type Report struct {
	Findings []Finding `json:"checks"`
	// Remedy returns what to do about an error, and by which commands; "" where it
	// knows nothing. It takes the place of what a check says itself. Nil knows nothing.
	Remedy func(error) (hint string, run []string) `json:"-"`
}

// Add adds a finding.
func (r *Report) Add(section, name, result, hint, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Section: section, Name: name, Result: result, Text: fmt.Sprintf(format, args...), Hint: hint})
}

// Run adds commands to the hint of the last finding.
func (r *Report) Run(commands ...string) {
	f := &r.Findings[len(r.Findings)-1]
	f.Run = append(f.Run, commands...)
}

// Pass adds that something is as it should be.
func (r *Report) Pass(section, name, format string, args ...any) {
	r.Add(section, name, OK, "", format, args...)
}

// Warn adds that something works, with what there is to know and to do.
func (r *Report) Warn(section, name, hint, format string, args ...any) {
	r.Add(section, name, Warning, hint, format, args...)
}

// Unknown adds that something was not looked at, and why.
func (r *Report) Unknown(section, name, format string, args ...any) {
	r.Add(section, name, Unknown, "", format, args...)
}

// Fail adds that something does not work, with what Remedy knows of the error, or
// else hint.
func (r *Report) Fail(section, name string, err error, hint string) {
	var run []string
	if r.Remedy != nil {
		if known, commands := r.Remedy(err); known != "" {
			hint, run = known, commands
		}
	}
	r.Add(section, name, Failed, hint, "%v", err)
	r.Run(run...)
}

// Failures returns how many things do not work.
func (r *Report) Failures() (n int) {
	for _, f := range r.Findings {
		if f.Result == Failed {
			n++
		}
	}
	return n
}
