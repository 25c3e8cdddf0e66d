/**
 * Plain, serialisable snapshots: all that the interface ever sees of Matrix.
 * There are types only behind this file; importing it loads nothing.
 */
export type { FailureInfo, FailureKind } from "./errors";
export type { Observable } from "./observable";
export type * from "./types/bodies";
export type * from "./types/devices";
export type * from "./types/media";
export type * from "./types/notifications";
export type * from "./types/people";
export type * from "./types/rooms";
export type * from "./types/session";
export type * from "./types/timeline";
export type * from "./types/verification";
