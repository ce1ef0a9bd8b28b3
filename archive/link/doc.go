// Package link reads and writes invitations: links that name one recording, where it
// is, who recorded it, and how it was when the link was made. Whoever opens one needs
// nothing else but a key that opens the recording.
//
//	https://meet.example.org/tapes/#1&s=https://s3.example.org/meetings/2026&r=01JD…&k=gQ…&h=1207.pU…&t=754
//
// All of it stands behind the #, which browsers send to nobody: it is in no server's
// log and in no Referer. It is in the browser's history, and with whoever carries the
// link. No key that opens anything is in it. Before the # stands the player's page,
// which the grammar says nothing about.
//
// # Grammar
//
// The text behind the # is the version, 1, and fields, each behind an &. A field is a
// letter, an = and a value. Fields come in the order of this table. An invitation has
// exactly one text: a reader refuses another spelling, a field that is not here, one
// that comes twice, and more than 8,192 characters.
//
//	s  where the store is: the URL of the folder with the recordings' folders
//	r  the recording's ID
//	k  the recorder's Ed25519 key, 32 bytes
//	h  how long the log was, from 1 to 1,048,576 lines, a dot, and its root, 32 bytes
//	t  where to begin, in seconds; or from where to where: 754,790.5
//	g  the share to look at first, since a store may list none: the name of its object
//	   without shares/ and .age. It counts, also for who has not pinned its giver: who that
//	   was is claimed. What it opens is held against h and k, so it can forge nothing
//	m  the recordings of the meeting, if it is in several: what each is, in their order, with a
//	   comma between. One is empty: this recording. Each other is ID.SIZE.ROOT.KEY.SHARE: what r,
//	   h, k and g would be in a link to it. KEY is empty if it is k, SHARE if there is none
//	e  when what follows ends, in seconds of Unix time
//	q  a query that is appended to the URL of each object: a token of B2, Azure, CloudFront
//	c  session credentials of S3: STYLE:REGION:ACCESS:SECRET:TOKEN; STYLE is host or path
//	p  presigned URLs: KEY.SHARE.QUERY
//
// s, r, k and h are always there. t is left out where playing begins at the beginning.
// There is at most one of q, c and p, and e only with one of them. m has 2 to 100 recordings, each
// once, and comes without c and p, which are for one recording.
//
// 32 bytes are 43 characters of base64url without padding, whose spare bits are zero.
// A time of t has at most three digits behind its point, the last one not 0, and is at
// most 31 days. In s, q and p, every byte but letters, digits and - . _ ~ : / is
// written as % and two upper-case hexadecimal digits.
//
// s is a URL in its one form: http or https, a host in lower case, a port unless it is
// the scheme's own, and no slash at the end. In its path each byte but letters, digits
// and - . _ ~ is written with a %. It has no user, no query, and no element that is
// empty, "." or "..". The URL of an object is s, a slash and the object's name.
//
// p names an age file among the shares of the recording, which a hybrid identity opens:
// KEY is what follows AGE-SECRET-KEY-PQ-1 in it. The file holds a Table. QUERY is
// appended to the URL of that file.
//
// # What it is worth
//
// k and h are the word of whoever made the link. h keeps a reader who has never seen
// the recording from taking an older state for it, and binds what was meant: another
// recording, even one signed with a recorder's stolen key, has another root. k says
// whose signature to expect, and never makes anybody trusted: the recorder is claimed
// until its card is pinned. m is their word, too: a recording that another recorder signed
// counts as no part of the meeting all the same.
//
// Whoever has the link can fetch the sealed objects, until e where c, q or p let them.
// So these are secrets, of the sealed recording: a page takes them out of its address
// once it has read them.
package link
