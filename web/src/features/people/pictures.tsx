import { createContext, type ReactNode, useContext, useEffect, useState } from "react";
import type { MediaSource, MediaState, Mxc, Person, RoomSummary } from "../../matrix/types";
import { Avatar, type AvatarProps } from "../../ui";
import type { PicturesViewModel } from "../../viewmodels/PicturesViewModel";

const PicturesContext = createContext<PicturesViewModel | null>(null);

/** Gives the views below a way to show pictures. */
export function PicturesProvider({ pictures, children }: { pictures: PicturesViewModel; children: ReactNode }): ReactNode {
  return <PicturesContext value={pictures}>{children}</PicturesContext>;
}

function usePictures(): PicturesViewModel {
  const pictures = useContext(PicturesContext);
  if (!pictures) throw new Error("a view that shows pictures stands outside PicturesProvider");
  return pictures;
}

type Handle = ReturnType<PicturesViewModel["acquire"]>;
const LOADING: MediaState = { status: "loading" };

/** Holds what `acquire` gives for as long as the view lives and `name` stays the same. */
function useHandle(acquire: (pictures: PicturesViewModel) => Handle | null, name: string): MediaState {
  const pictures = usePictures();
  const [state, setState] = useState<MediaState>(LOADING);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `name` says what `acquire`, made anew at each render, asks for
  useEffect(() => {
    const handle = acquire(pictures);
    if (!handle) return;
    const update = () => setState(handle.state.getSnapshot());
    const stop = handle.state.subscribe(update);
    update();
    return () => {
      stop();
      handle.release();
      setState(LOADING);
    };
  }, [pictures, name]);
  return state;
}

function sourceName(source: MediaSource | null): string {
  if (!source) return "";
  if (source.kind === "encrypted") return source.file.url;
  return source.kind === "clear" ? source.mxc : source.url;
}

/** A picture to be shown, once it is there. `attempt` is raised to try again. */
export function usePicture(source: MediaSource | null, attempt = 0): MediaState {
  return useHandle((pictures) => (source ? pictures.acquire(source) : null), `${sourceName(source)}#${attempt}`);
}

/** A face at `size` CSS pixels; null until it is there, and for whoever has none. */
function useAvatar(mxc: Mxc | null, size: number): string | null {
  const state = useHandle((pictures) => (mxc ? pictures.acquireAvatar(mxc, size) : null), `${mxc ?? ""}#${size}`);
  return mxc && state.status === "ready" ? state.url : null;
}

type Size = NonNullable<AvatarProps["size"]>;

/** Somebody's face. */
export function PersonAvatar({
  person,
  size = 44,
  className,
  label,
}: {
  person: Person;
  size?: Size;
  className?: string | undefined;
  label?: string;
}): ReactNode {
  const src = useAvatar(person.avatar, size);
  return (
    <Avatar
      id={person.userId}
      name={person.displayName}
      src={src}
      size={size}
      {...(className ? { className } : {})}
      {...(label ? { label } : {})}
    />
  );
}

/** A conversation's face: the other person's if there are two, else the group's. */
export function RoomAvatar({
  room,
  size = 44,
}: {
  room: Pick<RoomSummary, "roomId" | "name" | "avatar" | "partner">;
  size?: Size;
}): ReactNode {
  const src = useAvatar(room.partner ? room.partner.avatar : room.avatar, size);
  return (
    <Avatar
      id={room.partner ? room.partner.userId : room.roomId}
      name={room.name}
      src={src}
      size={size}
      shape={room.partner ? "person" : "group"}
    />
  );
}
