// What stands at which address: the way in, and every place, for whoever may go there.
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { createBrowserRouter, Link, Navigate, RouterProvider, useRouteError } from "react-router";

import { Empty, Failed, Loading } from "./parts/problem";
import { Shell } from "./parts/shell";
import { HOUSE, may, MINE, type Place } from "./places";
import FirstOwner from "./screens/first-owner";
import SignIn, { Enter } from "./screens/sign-in";
import { SignedIn, useMe } from "./session";

/** A place, for who may see it; who has no account of their own begins at the house's. */
function At({ path, role, Screen }: Place) {
  const { t } = useTranslation();
  const me = useMe();
  if (!may(me, role)) return <Empty>{t("state.forbidden")}</Empty>;
  if (path === "/" && me.account === null && may(me, "auditor")) return <Navigate to="/operator" replace />;
  return (
    <Suspense fallback={<Loading />}>
      <Screen />
    </Suspense>
  );
}

function Nowhere() {
  const { t } = useTranslation();
  return (
    <Empty>
      {t("state.missing")} <Link to="/" className="text-brand underline">{t("state.home")}</Link>
    </Empty>
  );
}

/** Stands for a screen that could not be loaded or shown: loading it again mends the one, and says the other. */
function Broken() {
  const { t } = useTranslation();
  const error = useRouteError();
  const lost = error instanceof TypeError && error.message.includes("import");
  return <Failed error={lost ? error : { title: t("state.failed"), detail: t("state.broken"), status: 0 }} again={() => location.reload()} />;
}

const router = createBrowserRouter(
  [
    { path: "/sign-in", element: <SignIn /> },
    { path: "/welcome", element: <Enter /> },
    { path: "/owner", element: <FirstOwner /> },
    {
      element: (
        <SignedIn>
          <Shell />
        </SignedIn>
      ),
      children: [
        ...[...MINE, ...HOUSE].map((place) => ({
          path: place.path,
          element: <At key={place.path} {...place} />,
          errorElement: <Broken />,
        })),
        { path: "*", element: <Nowhere /> },
      ],
    },
  ],
  { basename: "/app" },
);

export function App() {
  return <RouterProvider router={router} />;
}
