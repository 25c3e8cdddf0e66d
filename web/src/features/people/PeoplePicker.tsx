import { Search, X } from "lucide-react";
import { type KeyboardEvent, type ReactNode, type Ref, useEffect, useId, useRef, useState } from "react";
import { useT } from "../../i18n/react";
import type { Person } from "../../matrix/types";
import { Button, classes, Loading, Skeleton, useViewModel } from "../../ui";
import { shortName, splitName } from "../../viewmodels/names";
import { PeopleSearchViewModel } from "../../viewmodels/PeopleSearchViewModel";
import { useFailureText } from "../failure";
import styles from "./people.module.css";
import { PersonAvatar } from "./pictures";

/** Properties of {@link PeoplePicker}. */
export interface PeoplePickerProps {
  readonly model: PeopleSearchViewModel;
  readonly label: string;
  /** What choosing a person does. */
  readonly onChoose: (person: Person) => void;
  /** Shows those picked as chips before the field. */
  readonly several?: boolean;
  readonly busy?: boolean;
  readonly fieldRef?: Ref<HTMLInputElement>;
}

/** Finds people by name: a field and a list that is moved through with the arrow keys while the field keeps the focus. */
export function PeoplePicker({ model, label, onChoose, several, busy, fieldRef }: PeoplePickerProps): ReactNode {
  const t = useT();
  const id = useId();
  const snapshot = useViewModel(model);
  const people = PeopleSearchViewModel.selectable(snapshot);
  const [active, setActive] = useState(0);
  const current = people[Math.min(active, people.length - 1)];
  const list = useRef<HTMLDivElement>(null);

  // The field keeps the focus, so the browser does not bring the chosen line into view by itself.
  const currentId = current?.userId;
  useEffect(() => {
    if (currentId === undefined) return;
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [currentId]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (people.length === 0) return;
      const step = event.key === "ArrowDown" ? 1 : -1;
      setActive((Math.min(active, people.length - 1) + step + people.length) % people.length);
    } else if (event.key === "Enter" && !event.nativeEvent.isComposing && current && snapshot.query !== "") {
      event.preventDefault();
      if (!busy) onChoose(current);
    } else if (event.key === "Backspace" && several && snapshot.query === "") {
      const last = snapshot.picked.at(-1);
      if (last) model.unpick(last.userId);
    }
  };

  return (
    <div className={styles["picker"]}>
      <label htmlFor={`${id}-field`} className={styles["label"]}>
        {label}
      </label>
      <div className={styles["field"]}>
        <Search size={18} aria-hidden="true" />
        {several && snapshot.picked.length > 0 ? (
          <ul className={styles["chips"]} aria-label={t("people:picked")}>
            {snapshot.picked.map((person) => (
              <li key={person.userId} className={styles["chip"]}>
                <PersonAvatar person={person} size={24} />
                <span className={styles["chipName"]}>{shortName(person.displayName)}</span>
                <button
                  type="button"
                  className={styles["unpick"]}
                  aria-label={t("people:unpick", { name: person.displayName })}
                  onClick={() => model.unpick(person.userId)}
                >
                  <X size={14} />
                </button>
              </li>
            ))}
          </ul>
        ) : null}
        <input
          ref={fieldRef}
          id={`${id}-field`}
          className={styles["input"]}
          type="text"
          role="combobox"
          aria-expanded={people.length > 0}
          aria-controls={`${id}-list`}
          aria-autocomplete="list"
          aria-activedescendant={current ? `${id}-${current.userId}` : undefined}
          autoComplete="off"
          spellCheck={false}
          value={snapshot.query}
          onChange={(event) => {
            setActive(0);
            model.setQuery(event.target.value);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className={styles["answer"]} tabIndex={people.length > 0 ? 0 : undefined}>
        <SearchAnswer model={model} shown={people.length} />
        <div ref={list} id={`${id}-list`} role="listbox" aria-label={t("people:results")} className={styles["results"]}>
          {people.map((person) => (
            // The field keeps the focus and has the keys: options are only pressed.
            // biome-ignore lint/a11y/useKeyWithClickEvents: see above
            // biome-ignore lint/a11y/useFocusableInteractive: see above
            <div
              key={person.userId}
              id={`${id}-${person.userId}`}
              role="option"
              aria-selected={person === current}
              className={classes(styles["result"], person === current && styles["current"])}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => {
                if (!busy) onChoose(person);
              }}
            >
              <PersonAvatar person={person} size={44} />
              <PersonWords displayName={person.displayName} />
            </div>
          ))}
        </div>
        {snapshot.status === "found" && snapshot.limited ? <p className={styles["hint"]}>{t("people:search.limited")}</p> : null}
      </div>
    </div>
  );
}

function PersonWords({ displayName }: { displayName: string }): ReactNode {
  const { name, organisation } = splitName(displayName);
  return (
    <span className={styles["resultWords"]}>
      <span className={styles["resultName"]}>{name}</span>
      {organisation ? <span className={styles["organisation"]}>{organisation}</span> : null}
    </span>
  );
}

function SearchAnswer({ model, shown }: { model: PeopleSearchViewModel; shown: number }): ReactNode {
  const t = useT();
  const { status, failure } = useViewModel(model);
  const reason = useFailureText(failure);
  return (
    <>
      <p className="visually-hidden" role="status">
        {status === "found" ? t("people:search.results", { count: shown }) : ""}
      </p>
      {status === "idle" ? <p className={styles["hint"]}>{t("people:search.idle")}</p> : null}
      {status === "searching" && shown === 0 ? (
        <Loading label={t("people:search.searching")} className={styles["skeletons"]}>
          {["50%", "38%", "44%"].map((width) => (
            <div key={width} className={styles["result"]}>
              <Skeleton shape="person" />
              <Skeleton width={width} />
            </div>
          ))}
        </Loading>
      ) : null}
      {status === "none" ? (
        <p className={styles["hint"]} role="status">
          {t("people:search.none")}
        </p>
      ) : null}
      {status === "failed" ? (
        <div role="alert" className={styles["failed"]}>
          <p>
            {t("people:search.failed")} {reason}
          </p>
          <Button variant="line" size="s" onClick={() => model.retry()}>
            {t("common:action.retry")}
          </Button>
        </div>
      ) : null}
    </>
  );
}
