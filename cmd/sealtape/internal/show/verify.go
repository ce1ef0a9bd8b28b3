package show

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/sealtape/sealtape/archive"
	"github.com/sealtape/sealtape/cmd/sealtape/internal/ui"
	"github.com/sealtape/sealtape/playback/tape"
)

// VerifyJSON is the report in JSON.
type VerifyJSON struct {
	ID            string        `json:"id"`
	OK            bool          `json:"ok"`
	State         archive.State `json:"state,omitempty"`
	Signers       []string      `json:"recorded_by"`
	Approver      []string      `json:"approved_by,omitempty"`
	Signed        int64         `json:"objects_signed"`
	Verified      int           `json:"objects_verified"`
	Unread        int           `json:"objects_unread"` // verified by the store's checksum alone
	Listed        int           `json:"objects_listed"` // not verified, only listed by the store
	Bytes         int64         `json:"bytes"`
	Problems      []problemJSON `json:"problems"`
	Tail          []string      `json:"unsigned_tail"`
	CannotRuleOut []string      `json:"cannot_rule_out"`
	Imported      bool          `json:"imported,omitempty"` // known with --deep, or with a key at hand
	verdictJSON
	Deep *deepJSON `json:"deep,omitempty"` // with --deep
}

type problemJSON struct {
	Kind   string `json:"kind"`
	Object string `json:"object"`
	Text   string `json:"text"`
}

// A Verification is what verify found out.
type Verification struct {
	ID       string
	Report   archive.Report
	Problems []archive.Problem
	Signers  []string
	Approver []string          // by whose approval Signers count whose cards are not pinned
	Deep     *DeepReport       // nil without --deep
	Content  *tape.Description // what a key opens, nil without one
}

// holes returns the declared holes, and whether they are known.
func (v *Verification) holes() (holes []tape.Hole, known bool) {
	switch {
	case v.Deep != nil:
		return tape.Holes(nil, nil, v.Deep.Holes), true
	case v.Content != nil:
		return v.Content.Holes, v.Content.HolesKnown
	}
	return nil, false
}

// imported reports whether the recording is known to be made of files.
func (v *Verification) imported() bool { return v.Content != nil && v.Content.Imported != nil }

// cannotRuleOut says what is not proved.
func (v *Verification) cannotRuleOut() []string {
	if !v.imported() {
		return v.Report.CannotRuleOut
	}
	by := cmp.Or(ui.Clean(v.Content.Imported.By), "somebody")
	return append([]string{"It was imported: " + by + " sealed files that another program had recorded. What these show, and when, is the word of whoever made them."},
		v.Report.CannotRuleOut...)
}

// Findings are those of all that was read. That the reader's keys do not open all of it
// is none: whoever verifies needs no key.
func (v *Verification) Findings() tape.Findings {
	f := tape.Findings{State: archive.StateClosed} // where there is no head, that is a problem
	if v.Content != nil {
		f.LeftOut = v.Content.Findings().LeftOut
		f.Withheld, f.WithheldBy = v.Content.Withheld, v.Content.WithheldBy
	}
	if v.Report.Head.Size > 0 {
		f.State = v.Report.Head.State
	}
	f.Holes, _ = v.holes()
	f.Key, f.Problems = true, v.Report.Problems
	return f
}

// JSON returns what verify prints.
func (v *Verification) JSON(verdict tape.Verdict) VerifyJSON {
	r := v.Report
	_, known := v.holes()
	j := VerifyJSON{
		ID: v.ID, OK: r.OK(), State: r.Head.State, Signers: v.Signers, Approver: v.Approver, verdictJSON: verdictOf(verdict, known),
		Signed: r.Head.Size, Verified: r.Objects, Unread: r.Unread, Listed: r.Listed, Bytes: r.Bytes,
		Problems: []problemJSON{}, Tail: []string{}, CannotRuleOut: v.cannotRuleOut(), Imported: v.imported(),
	}
	for _, p := range v.Problems {
		j.Problems = append(j.Problems, problemJSON(p))
	}
	for _, t := range r.Tail {
		j.Tail = append(j.Tail, t.Name)
	}
	if v.Deep != nil {
		j.Deep = v.Deep.json()
	}
	return j
}

// Verify shows what verify found out, and the verdict on it.
func Verify(e *ui.Env, v Verification, verdict tape.Verdict) error {
	r, problems := v.Report, v.Problems
	holes, holesKnown := v.holes()
	rows := [][]string{{"recording:", v.ID}}
	if r.Head.Size > 0 {
		by, what := "recorded by:", "recorded"
		if v.imported() {
			by, what = "sealed by:", "sealed"
		}
		rows = append(rows, []string{by, strings.Join(v.Signers, ", ")})
		if len(v.Approver) > 0 {
			rows = append(rows, []string{"approved by:", strings.Join(v.Approver, ", ")})
		}
		rows = append(rows,
			[]string{"state:", stateText(r.Head.State)},
			[]string{"objects:", fmt.Sprintf("%d of %d are what was %s (%s)", r.Objects, r.Head.Size, what, howRead(r))})
	}
	if v.Deep != nil {
		rows = append(rows, v.Deep.rows()...)
	}
	switch {
	case holesKnown:
		text := holesText(holes)
		if v.Content != nil && v.Content.Opens == tape.AccessPart {
			text += ", in the part that is yours to open"
		}
		rows = append(rows, []string{"holes:", text})
	case r.Head.Size > 0:
		rows = append(rows, []string{"holes:", holesUnknown})
	}
	if err := e.Facts(rows); err != nil {
		return err
	}
	if len(problems) > 0 {
		e.Printf("\nproblems:\n")
	}
	for _, p := range problems {
		e.Printf("  %s: %s: %s\n", ui.Clean(p.Object), p.Kind, ui.Clean(p.Text))
	}
	if len(r.Tail) > 0 {
		e.Printf("\nnot signed yet:\n")
	}
	for _, t := range r.Tail {
		e.Printf("  %s (%s)\n", ui.Clean(t.Name), ui.Size(t.Size))
	}
	limits := v.cannotRuleOut()
	if len(limits) > 0 {
		e.Printf("\nnot ruled out:\n")
	}
	for _, s := range limits {
		e.Printf("  %s\n", s)
	}
	switch {
	case !r.OK():
		e.Printf("\nNOT verified\n")
	case verdict.Lacks(tape.LackGrant):
		e.Printf("\nverified, but what was granted to you does not count\n")
	case verdict.Outcome != tape.Whole:
		e.Printf("\nverified, but not complete\n")
	case r.Listed > 0:
		e.Printf("\nverified as far as it was read: closed\n")
	case r.Unread > 0:
		e.Printf("\nverified by the store's checksums: closed; the bytes of %s were not read\n", ui.Count(r.Unread, "object"))
	case !holesKnown:
		e.Printf("\nverified: closed; holes are %s\n", holesUnknown)
	case v.imported():
		e.Printf("\nverified: whole and closed, as it was imported\n")
	default:
		e.Printf("\nverified: whole and closed\n")
	}
	return nil
}

// howRead says how objects were verified.
func howRead(r archive.Report) string {
	if r.Listed > 0 {
		return fmt.Sprintf("%d only listed, %s read", r.Listed, ui.Size(r.Bytes))
	}
	if r.Unread > 0 {
		return fmt.Sprintf("%d by the store's checksums, %s read", r.Unread, ui.Size(r.Bytes))
	}
	return ui.Size(r.Bytes)
}
