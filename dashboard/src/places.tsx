// Every place of the pages, once: its path, its name, who may go there, and the screen, loaded when somebody does.
import {
  Activity, BellRing, Building2, CalendarClock, ClipboardList, FlaskConical, Gauge, History, KeyRound, Landmark,
  MessagesSquare, ReceiptText, Scale, Send, Settings, ShieldCheck, ShoppingCart, SlidersHorizontal, Tags, Users,
} from "lucide-react";
import { lazy, type ComponentType } from "react";

import type { Me } from "./api";

export type Role = Me["role"];
const ROLES: readonly Role[] = ["user", "auditor", "operator", "owner"];

/** Tells whether somebody has a role, or one above it. */
export function may(me: Me, role: Role): boolean {
  return ROLES.indexOf(me.role) >= ROLES.indexOf(role);
}

export interface Place {
  path: string;
  /** What the menu calls it (`nav.…`); none: it is reached from another place. */
  name?: string;
  icon?: ComponentType<{ className?: string }>;
  role: Role;
  Screen: ComponentType;
}

export const MINE: readonly Place[] = [
  { path: "/", name: "usage", icon: Gauge, role: "user", Screen: lazy(() => import("./screens/usage")) },
  { path: "/chat/:session?", name: "chat", icon: MessagesSquare, role: "user", Screen: lazy(() => import("./screens/chat")) },
  { path: "/history", name: "history", icon: History, role: "user", Screen: lazy(() => import("./screens/history")) },
  { path: "/buy", name: "buy", icon: ShoppingCart, role: "user", Screen: lazy(() => import("./screens/buy")) },
  { path: "/buy/:order", role: "user", Screen: lazy(() => import("./screens/receipt")) },
  { path: "/notices", name: "notices", icon: BellRing, role: "user", Screen: lazy(() => import("./screens/notices")) },
  { path: "/keys", name: "keys", icon: KeyRound, role: "user", Screen: lazy(() => import("./screens/keys")) },
  { path: "/settings", name: "settings", icon: Settings, role: "user", Screen: lazy(() => import("./screens/settings")) },
];

export const HOUSE: readonly Place[] = [
  { path: "/operator", name: "overview", icon: Activity, role: "auditor", Screen: lazy(() => import("./screens/operator/overview")) },
  { path: "/operator/accounts", name: "accounts", icon: Building2, role: "auditor", Screen: lazy(() => import("./screens/operator/accounts")) },
  { path: "/operator/accounts/:ref", role: "auditor", Screen: lazy(() => import("./screens/operator/account")) },
  { path: "/operator/imports/:id?", role: "auditor", Screen: lazy(() => import("./screens/operator/imports")) },
  { path: "/operator/orders/:order?", name: "orders", icon: ReceiptText, role: "auditor", Screen: lazy(() => import("./screens/operator/orders")) },
  { path: "/operator/plans/:name?/:act?", name: "plans", icon: Scale, role: "auditor", Screen: lazy(() => import("./screens/operator/plans")) },
  { path: "/operator/simulator/:run?", name: "simulator", icon: FlaskConical, role: "auditor", Screen: lazy(() => import("./screens/operator/simulator")) },
  { path: "/operator/rates", name: "rates", icon: Landmark, role: "auditor", Screen: lazy(() => import("./screens/operator/rates")) },
  { path: "/operator/coupons", name: "coupons", icon: Tags, role: "auditor", Screen: lazy(() => import("./screens/operator/coupons")) },
  { path: "/operator/deliveries", name: "deliveries", icon: Send, role: "auditor", Screen: lazy(() => import("./screens/operator/deliveries")) },
  { path: "/operator/jobs", name: "jobs", icon: CalendarClock, role: "auditor", Screen: lazy(() => import("./screens/operator/jobs")) },
  { path: "/operator/integrity", name: "integrity", icon: ShieldCheck, role: "auditor", Screen: lazy(() => import("./screens/operator/integrity")) },
  { path: "/operator/people", name: "people", icon: Users, role: "owner", Screen: lazy(() => import("./screens/operator/people")) },
  { path: "/operator/audit", name: "audit", icon: ClipboardList, role: "auditor", Screen: lazy(() => import("./screens/operator/audit")) },
  { path: "/operator/settings", name: "house_settings", icon: SlidersHorizontal, role: "auditor", Screen: lazy(() => import("./screens/operator/settings")) },
];
