/**
 * The public surface of the Matrix layer, as interfaces. It has types only, so
 * that view models can `import type` it without loading the SDK; get the
 * implementation by `await import("../matrix")` after sign-in.
 *
 * Every function that returns a promise rejects with a `Failure` (see
 * `errors.ts`) and nothing else.
 */
import type { FailureInfo } from "./errors";
import type { Observable } from "./observable";
import type {
  ConnectionState,
  Credentials,
  DevicesState,
  MediaSource,
  MediaState,
  MessageNotification,
  OwnProfile,
  PendingConfirmation,
  PeopleSearchResult,
  PersonDetails,
  RecoveryLanguage,
  RestoreProgress,
  RoomDetails,
  RoomId,
  RoomListState,
  SecurityState,
  SignOutLoss,
  TimelineState,
  UserId,
  VerificationFlow,
} from "./types";

/** Why there is no session any more. */
export type SignedOutReason =
  /** Signed out here, or in another tab of this browser. */
  | "by-me"
  /** The server no longer knows this device: removed elsewhere, or password changed. All was wiped here. */
  | "by-server"
  /**
   * The server wants the password again, and nothing was wiped: sign in with `deviceId` of the
   * stored credentials, and the history is still here.
   */
  | "expired";

/** What a tab is doing with the account. */
export type HostState =
  /** Opening the stores and the cryptography; usually under two seconds. */
  | { readonly phase: "starting" }
  /** Another tab of this browser holds the session: offer "use here" ({@link SessionHost.takeOver}). */
  | { readonly phase: "open-elsewhere" }
  | { readonly phase: "open"; readonly session: Session }
  | { readonly phase: "signed-out"; readonly reason: SignedOutReason }
  /** Could not start: `retry()` on the host. */
  | { readonly phase: "failed"; readonly failure: FailureInfo };

/** Options of {@link openSession}. */
export interface OpenSessionOptions {
  readonly credentials: Credentials;
  /**
   * Language of the person, for names given to devices.
   */
  readonly language: RecoveryLanguage;
}

/** One tab's hold on the session: at most one tab of a browser is `open` at a time. */
export interface SessionHost {
  readonly state: Observable<HostState>;
  /** In `open-elsewhere`: closes the other tab's session and opens it here. */
  takeOver(): Promise<void>;
  /** In `failed`: starts again. */
  retry(): Promise<void>;
  /**
   * Ends the session: tells the server (up to 5 s; signs out locally even if it does not answer),
   * wipes keys, caches and credentials from this browser, in every tab.
   */
  signOut(): Promise<void>;
  /** Closes without signing out (page unload, tests). */
  close(): Promise<void>;
}

/** The open session. All parts live as long as it does. */
export interface Session {
  readonly me: Observable<OwnProfile>;
  readonly connection: Observable<ConnectionState>;
  /** What the person has to confirm where the account signs in, if anything: see {@link PendingConfirmation}. */
  readonly confirmation: Observable<PendingConfirmation | null>;
  readonly security: SecurityActions;
  readonly rooms: RoomsActions;
  readonly people: PeopleActions;
  readonly media: MediaActions;
  readonly verification: VerificationActions;
  readonly devices: DevicesActions;
  readonly notifications: NotificationSource;
  /**
   * The timeline of a room. The same object for the same room while anybody
   * subscribes to it; dropped some time after the last one left.
   */
  timeline(roomId: RoomId): Timeline;
  /** Changes my display name. */
  setDisplayName(name: string): Promise<void>;
  /**
   * Changes my picture, or takes it away (null). Everybody may see it, so it is not encrypted; only its middle square is
   * kept, small, and nothing of what else the file knows. Rejects with `media-unreadable` if it is no picture.
   */
  setAvatar(picture: Blob | null): Promise<void>;
  /** What a sign-out would lose, asked just before it is offered. */
  lossOnSignOut(): Promise<SignOutLoss>;
  /** Changes the password; other devices stay signed in unless `signOutOthers`. */
  changePassword(current: string, next: string, signOutOthers: boolean): Promise<void>;
}

/** First run, recovery, reset. */
export interface SecurityActions {
  readonly state: Observable<SecurityState>;
  readonly restore: Observable<RestoreProgress>;
  /** Makes a recovery code: twelve words, separated by spaces. Nothing is sent. */
  createRecoveryCode(language: RecoveryLanguage): string;
  /**
   * First run: gives the account its identity, secret storage locked by `recoveryCode`, and the
   * backup of message keys. Safe to call again after a failure half-way.
   * Rejects with `password-needed` / `wrong-password` if the server wants the password.
   */
  setUp(options: { readonly recoveryCode: string; readonly password?: string }): Promise<void>;
  /**
   * In `needs-recovery`: opens secret storage, confirms this device and starts restoring the
   * history (see `restore`; resolves without waiting for it).
   * Accepts twelve words in either language (case, accents, spaces and four-letter abbreviations
   * are forgiven) or a Matrix recovery key made by another app.
   * Rejects with `recovery-code-malformed` or `recovery-code-wrong`.
   */
  recover(recoveryCode: string): Promise<void>;
  /** Restores the history from the backup again, e.g. after `restore` failed. */
  restoreHistory(): Promise<void>;
  /**
   * Lost code and no other device: makes a new identity. Old messages stay unreadable for ever on
   * this device, everybody who verified me sees a warning, other devices must be confirmed again.
   */
  reset(options: { readonly recoveryCode: string; readonly password: string }): Promise<void>;
  /** Whether {@link reset} wants the password; if not, it asks by {@link Session.confirmation}. */
  asksPassword(): Promise<boolean>;
  /** In `ready`: replaces the recovery code by a new one, keeping identity and history. */
  changeRecoveryCode(recoveryCode: string): Promise<void>;
  /** After `failed`: asks the server again. */
  retry(): Promise<void>;
}

/** The conversation list and what is done with a room as a whole. */
export interface RoomsActions {
  readonly list: Observable<RoomListState>;
  /** The details of a room, its members and whether sending is possible; null if I am not in it. */
  details(roomId: RoomId): Observable<RoomDetails | null>;
  /**
   * Opens a direct conversation: the existing one if there is, else a new one. Always encrypted.
   * @returns the room's id.
   */
  openDirect(userId: UserId): Promise<RoomId>;
  /** Creates a group. Always encrypted. Name: 1 to 255 characters after trimming. */
  createGroup(options: { readonly name: string; readonly people: readonly UserId[] }): Promise<RoomId>;
  invite(roomId: RoomId, people: readonly UserId[]): Promise<InviteResult>;
  acceptInvite(roomId: RoomId): Promise<void>;
  /** Also forgets the room. */
  declineInvite(roomId: RoomId): Promise<void>;
  leave(roomId: RoomId): Promise<void>;
  rename(roomId: RoomId, name: string): Promise<void>;
  removeMember(roomId: RoomId, userId: UserId): Promise<void>;
  /**
   * After somebody's identity changed: accept the new one as theirs (without comparing emojis) and
   * resume sending. If they had been verified, also withdraws that verification.
   */
  approveIdentity(userId: UserId): Promise<void>;
}

/** Who could be invited and who could not. */
export interface InviteResult {
  readonly invited: readonly UserId[];
  readonly failed: readonly { readonly userId: UserId; readonly failure: FailureInfo }[];
}

/** People outside of any room. */
export interface PeopleActions {
  /** Searches the directory by name; an empty text finds nobody. Abort an older search by `signal`. */
  search(text: string, options?: { readonly limit?: number; readonly signal?: AbortSignal }): Promise<PeopleSearchResult>;
  /** A person's page; fetched once, then kept up to date. */
  details(userId: UserId): Observable<PersonDetails | null>;
}

/** A picture or file to be sent. */
export interface OutgoingFile {
  readonly blob: Blob;
  /** Goes only inside the encrypted message. */
  readonly name: string;
  readonly caption?: string;
}

/** A room's timeline and what is done in it. */
export interface Timeline {
  readonly state: Observable<TimelineState>;
  /** Loads older messages; does nothing while loading or at the end. Never rejects: see `backwards`. */
  loadOlder(): Promise<void>;
  /** Sends text; the item appears at once. Rejects only if nothing was added to the timeline (`Failure` of the guard). */
  sendText(text: string, options?: { readonly replyTo?: string }): Promise<void>;
  /** Encrypts, uploads and sends files; one item each appears at once, with progress. */
  sendFiles(files: readonly OutgoingFile[]): Promise<void>;
  /** Tries a failed item again. */
  retry(key: string): Promise<void>;
  /** Removes a failed item, or aborts an upload. */
  discard(key: string): Promise<void>;
  /** Removes a sent message for everyone. */
  redact(eventId: string): Promise<void>;
  /**
   * The person has seen everything down to the last item: sends the read receipt (once per event)
   * and moves the fully-read marker. Call when the end is visible and the window has the focus.
   */
  markRead(): Promise<void>;
  /** Call on each keystroke with `true`, with `false` when the composer is emptied; it is throttled. */
  setTyping(typing: boolean): void;
}

/** A file held for display. */
export interface MediaHandle {
  readonly state: Observable<MediaState>;
  /** Gives the file back; its address may be revoked from then on. Idempotent. */
  release(): void;
}

/** Files, always decrypted in this browser. */
export interface MediaActions {
  /**
   * Fetches, checks and decrypts a file for display, from a cache if possible.
   * Release the handle when the element goes away.
   */
  acquire(source: MediaSource): MediaHandle;
  /** Fetches a file to be saved; the blob has a harmless type unless it is a picture, film, sound, PDF or plain text. */
  download(
    source: MediaSource,
    options?: { readonly signal?: AbortSignal; readonly onProgress?: (loaded: number, total: number | null) => void },
  ): Promise<Blob>;
  /** Largest file that the server takes, in bytes; null if it does not say. */
  uploadLimit(): Promise<number | null>;
}

/** Comparing emojis. */
export interface VerificationActions {
  /** Flows under way or just ended, oldest first; an ended one stays until dismissed. */
  readonly flows: Observable<readonly VerificationFlow[]>;
  /** Asks my other devices (all, or one). Resolves with the flow's id. */
  requestOwn(deviceId?: string): Promise<string>;
  /** Asks a person, through our direct conversation (made if needed). */
  requestPerson(userId: UserId): Promise<string>;
  accept(id: string): Promise<void>;
  /** The emojis are the same. */
  confirm(id: string): Promise<void>;
  /** The emojis differ. */
  mismatch(id: string): Promise<void>;
  /** Declines or gives up. */
  cancel(id: string): Promise<void>;
  /** Takes an ended flow off the list. */
  dismiss(id: string): void;
}

/** My devices. */
export interface DevicesActions {
  readonly state: Observable<DevicesState>;
  /** Asks the server again. */
  refresh(): Promise<void>;
  rename(deviceId: string, name: string): Promise<void>;
  /** Signs devices out. Rejects with `password-needed` / `wrong-password`. */
  remove(deviceIds: readonly string[], password?: string): Promise<void>;
}

/** New messages that should be told to the person, as the push rules say. */
export interface NotificationSource {
  /** Calls `listener` for each new message, after decryption, once. */
  subscribe(listener: (notification: MessageNotification) => void): () => void;
}
