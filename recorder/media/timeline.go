package media

// Events of what people do. What they say and how they are is what the room's
// server says of them: a claim.
const (
	EventVerified      EventType = "verified"      // Participant is taken for Name, a member whose card the recorder has; Reason says by what
	EventClaimed       EventType = "claimed"       // Participant holds the key of a card that nobody here has pinned; Name is the card's. See ClaimedByMatrix
	EventSpeaking      EventType = "speaking"      // Participant spoke From..To, as the server measured
	EventScreen        EventType = "screen"        // Participant shows a screen, Track
	EventScreenEnd     EventType = "screen-end"    // and does not any more
	EventTranscription EventType = "transcription" // Participant said Text From..To on Track, as By wrote it down, or their own client: see TranscriptionInterim
	EventChat          EventType = "chat"          // Participant wrote Text, or a text of Size bytes that begins so: see TextCut
	EventStream        EventType = "stream"        // Participant sent Size bytes on the topic in Reason, which are not kept; of a file, Text is the name
	EventReaction      EventType = "reaction"      // Participant reacted with Text, an emoji or a word
	EventConsent       EventType = "consent"       // Participant consents to be recorded, or not: Reason, with Text as their words
	EventName          EventType = "name"          // Participant calls themselves Name from here on, and Text before
	EventHand          EventType = "hand"          // Participant raised a hand, or lowered it: Reason
	EventMetadata      EventType = "metadata"      // the room's metadata are Text from here on
	EventQuality       EventType = "quality"       // Participant's connection is as Reason says from now on
	EventDropped       EventType = "dropped"       // Count events of the type in Reason, Participant's if it says so, came too fast, and are not here
)

// By what a member was verified: the Reason of an EventVerified.
const (
	VerifiedByOperator = "operator" // whoever runs the recorder said so
	VerifiedByProof    = "proof"    // a membership proof, signed by the card's key
	VerifiedByMatrix   = "matrix"   // their Matrix device is signed by the master key that the card names, or that the operator compared
)

// ClaimedByMatrix is the Reason of an EventClaimed without a card: the Participant's Matrix
// device is signed by its user, whom nobody here has verified. Name is the user's.
const ClaimedByMatrix = "matrix"

// TextCut is the Reason of an EventChat of which Text is the beginning alone: the
// rest was too long, or never came.
const TextCut = "cut"

// How a transcription came: the words in the Reason of an EventTranscription, in
// this order, with a space between them.
const (
	TranscriptionInterim   = "interim"   // no final version of it came
	TranscriptionPlaintext = "plaintext" // unencrypted, into an encrypted room: the server can have written it
)

// TextImported is a word in the Reason of an EventChat or an EventTranscription that was
// in a file which was imported: nobody heard the room for it.
const TextImported = "imported"

// What a member said to being recorded: the Reason of an EventConsent.
const (
	ConsentGiven     = "given"
	ConsentRefused   = "refused"
	ConsentWithdrawn = "withdrawn"
)

// What a member did with a hand: the Reason of an EventHand.
const (
	HandRaised  = "raised"
	HandLowered = "lowered"
)

// How a connection is: the Reason of an EventQuality.
const (
	QualityExcellent = "excellent"
	QualityGood      = "good"
	QualityPoor      = "poor"
	QualityLost      = "lost"
)

// MaxReaction bounds the Text of an EventReaction, in bytes.
const MaxReaction = 64
