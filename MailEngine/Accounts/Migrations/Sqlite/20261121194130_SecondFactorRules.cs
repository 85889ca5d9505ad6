using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace MailEngine.Accounts.Migrations.Sqlite
{
    /// <inheritdoc />
    public partial class SecondFactorRules : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.AddColumn<long>(
                name: "SecondFactorFrom",
                table: "permission_set",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.AddColumn<long>(
                name: "SecondFactorFrom",
                table: "domain",
                type: "INTEGER",
                nullable: true);

            migrationBuilder.UpdateData(
                table: "permission_set",
                keyColumn: "Id",
                keyValue: 1L,
                column: "SecondFactorFrom",
                value: null);

            migrationBuilder.UpdateData(
                table: "permission_set",
                keyColumn: "Id",
                keyValue: 2L,
                column: "SecondFactorFrom",
                value: null);

            migrationBuilder.UpdateData(
                table: "permission_set",
                keyColumn: "Id",
                keyValue: 3L,
                column: "SecondFactorFrom",
                value: null);

            migrationBuilder.UpdateData(
                table: "permission_set",
                keyColumn: "Id",
                keyValue: 4L,
                column: "SecondFactorFrom",
                value: null);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropColumn(
                name: "SecondFactorFrom",
                table: "permission_set");

            migrationBuilder.DropColumn(
                name: "SecondFactorFrom",
                table: "domain");
        }
    }
}
