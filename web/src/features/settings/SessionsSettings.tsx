import { CircleAlert, Ellipsis, LogOut, MonitorSmartphone, Pencil, ShieldCheck } from "lucide-react";
import { type ReactNode, useEffect } from "react";
import type { Translate } from "../../i18n";
import { formatDateTime } from "../../i18n/format";
import { useT } from "../../i18n/react";
import type { Device } from "../../matrix/types";
import {
  Button,
  ErrorState,
  IconButton,
  Loading,
  Menu,
  type MenuAction,
  Skeleton,
  Tag,
  useOwnViewModel,
  useViewModel,
} from "../../ui";
import { SessionsViewModel } from "../../viewmodels/SessionsViewModel";
import { useSession } from "../context";
import { useFailureText } from "../failure";
import { RemovalDialog, RenameDialog } from "./SessionDialogs";
import styles from "./settings.module.css";

/** Where the account is signed in. */
export function SessionsSettings({ onVerifyDevice }: { onVerifyDevice: (deviceId?: string) => void }): ReactNode {
  const t = useT();
  const session = useSession();
  const model = useOwnViewModel(() => new SessionsViewModel(session.devices), [session]);
  const { state, renaming, removal } = useViewModel(model);
  useEffect(() => {
    void model.refresh();
  }, [model]);
  return (
    <>
      <h2 className={styles["title"]}>{t("settings:sessions.title")}</h2>
      <p className={styles["intro"]}>{t("settings:sessions.intro")}</p>
      <Body state={state} model={model} onVerifyDevice={onVerifyDevice} />
      {renaming ? <RenameDialog renaming={renaming} model={model} /> : null}
      {removal ? <RemovalDialog removal={removal} model={model} /> : null}
    </>
  );
}

function Body({
  state,
  model,
  onVerifyDevice,
}: {
  state: ReturnType<SessionsViewModel["getSnapshot"]>["state"];
  model: SessionsViewModel;
  onVerifyDevice: (deviceId?: string) => void;
}): ReactNode {
  const t = useT();
  const failureText = useFailureText(state.status === "failed" ? state.failure : null);
  if (state.status === "loading") {
    return (
      <Loading label={t("common:state.loading")} className={styles["loading"]}>
        <Skeleton shape="block" />
        <Skeleton shape="block" />
        <Skeleton shape="block" />
      </Loading>
    );
  }
  if (state.status === "failed") return <ErrorState message={failureText ?? ""} onRetry={() => void model.refresh()} />;
  const current = state.devices.filter((device) => device.current);
  const others = state.devices.filter((device) => !device.current);
  return (
    <>
      <h3 className={styles["subtitle"]}>{t("settings:sessions.current")}</h3>
      <ul className={styles["devices"]}>
        {current.map((device) => (
          <Row key={device.deviceId} device={device} model={model} onVerifyDevice={onVerifyDevice} />
        ))}
      </ul>
      <h3 className={styles["subtitle"]}>{t("settings:sessions.others")}</h3>
      {others.length === 0 ? (
        <p className={styles["intro"]}>{t("settings:sessions.none")}</p>
      ) : (
        <>
          <ul className={styles["devices"]}>
            {others.map((device) => (
              <Row key={device.deviceId} device={device} model={model} onVerifyDevice={onVerifyDevice} />
            ))}
          </ul>
          {others.length > 1 ? (
            <div>
              <Button variant="line" icon={<LogOut size={18} />} onClick={() => model.startRemoval(others)}>
                {t("settings:sessions.signOutAll")}
              </Button>
            </div>
          ) : null}
        </>
      )}
    </>
  );
}

/** What a session is called where it has no name. */
export function sessionName(t: Translate, device: Device): string {
  return device.name ?? t("settings:sessions.unnamed");
}

function lastSeen(t: Translate, device: Device): string {
  if (device.lastSeen === null) return t("settings:sessions.neverSeen");
  const date = formatDateTime(device.lastSeen);
  return device.lastSeenIp
    ? t("settings:sessions.lastSeenIp", { date, ip: device.lastSeenIp })
    : t("settings:sessions.lastSeen", { date });
}

function Row({
  device,
  model,
  onVerifyDevice,
}: {
  device: Device;
  model: SessionsViewModel;
  onVerifyDevice: (deviceId?: string) => void;
}): ReactNode {
  const t = useT();
  const name = sessionName(t, device);
  const actions: MenuAction[] = [
    { label: t("settings:sessions.rename"), icon: <Pencil size={18} />, onSelect: () => model.startRename(device) },
  ];
  if (!device.current && !device.verified) {
    actions.push({
      label: t("settings:sessions.verify"),
      icon: <ShieldCheck size={18} />,
      onSelect: () => onVerifyDevice(device.deviceId),
    });
  }
  if (!device.current) {
    actions.push({
      label: t("settings:sessions.signOut"),
      icon: <LogOut size={18} />,
      tone: "alarm",
      onSelect: () => model.startRemoval([device]),
    });
  }
  return (
    <li className={styles["device"]}>
      <span className={styles["deviceIcon"]}>
        <MonitorSmartphone size={22} />
      </span>
      <div className={styles["deviceWords"]}>
        <div className={styles["deviceName"]}>
          <strong>{name}</strong>
          {device.verified ? (
            <Tag tone="seal" icon={<ShieldCheck size={13} />}>
              {t("settings:sessions.confirmed")}
            </Tag>
          ) : (
            <Tag tone="pending" icon={<CircleAlert size={13} />}>
              {t("settings:sessions.unconfirmed")}
            </Tag>
          )}
        </div>
        <div className={styles["small"]}>{lastSeen(t, device)}</div>
      </div>
      <Menu
        trigger={<IconButton label={t("settings:sessions.actions", { name })} icon={<Ellipsis size={20} />} />}
        actions={actions}
      />
    </li>
  );
}
