package checkup

import (
	"errors"
	"strings"

	"github.com/sealtape/sealtape/cmd/sealtape/internal/machine"
	"github.com/sealtape/sealtape/internal/words"
)

// Machine looks for ways in which memory gets to a disk.
func Machine(r *Report) {
	const section = "machine"
	exposed, err := machine.Exposed()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		r.Unknown(section, "memory", "whether it can get to a disk is not looked at on this system")
		return
	case err != nil:
		r.Unknown(section, "core dumps", "%v", err)
	default:
		cores(r, exposed)
		memory(r, exposed)
	}
	if disks, err := machine.DiskSwaps(); err != nil {
		r.Unknown(section, "swap", "%v", err)
	} else {
		swap(r, disks)
	}
}

// cores says whether a crash could write this program's memory to a disk.
func cores(r *Report, x machine.Exposure) {
	const section, name = "machine", "core dumps"
	program, piped := strings.CutPrefix(x.CorePattern, "|")
	program, _, _ = strings.Cut(program, " ")
	switch {
	case !x.Dumpable:
		r.Pass(section, name, "off, by sealtape itself")
	case piped && x.CoreLimit > 1: // 1 is how the kernel's own helpers ask for none
		r.Warn(section, name, "ulimit -c 0 before sealtape, which most such programs heed; systemd: Storage=none in coredump.conf",
			"a crash would hand its memory, keys included, to %s", program)
	case piped:
		r.Pass(section, name, "off, by a limit of %d that %s is told", x.CoreLimit, program)
	case x.CoreLimit > 0 && x.CorePattern != "":
		r.Warn(section, name, "ulimit -c 0 before sealtape", "a crash would write its memory, keys included, to a file %q", x.CorePattern)
	default:
		r.Pass(section, name, "off")
	}
}

// memory says whether other programs can read this one's memory.
func memory(r *Report, x machine.Exposure) {
	const section, name = "machine", "memory"
	if x.Dumpable {
		r.Warn(section, name, "prctl(PR_SET_DUMPABLE) was refused; run sealtape as a user of its own",
			"every program of this user can read this one's memory, keys included")
		return
	}
	r.Pass(section, name, "closed to other programs of this user")
}

// SwapHint is what to do where memory can be written to a disk.
const SwapHint = "encrypt the swap, or switch it off (swapoff -a), unless it is encrypted already: that cannot be told from here; systemd: MemorySwapMax=0"

// swap says whether memory can get to disks.
func swap(r *Report, disks []string) {
	const section, name = "machine", "swap"
	if len(disks) == 0 {
		r.Pass(section, name, "none on a disk")
		return
	}
	r.Warn(section, name, SwapHint, "memory, keys included, can be written to %s", words.Few(disks))
}
